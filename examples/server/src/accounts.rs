//! Admins, API keys and tokens from the command line.

use std::{io::Read as _, process::ExitCode};

use argon2::{Argon2, PasswordHasher as _};
use splitter_axum::{SystemWorld, World as _};
use splitter_core::{
    AdminId, ApiKey, Plan, Planned, Rejection, Reply, Scope, Settings, Store, TransactError, Work,
    access::{KEY_RANDOM_BYTES, check_key_prefix, hash_key, hex, new_key},
    audit::ChainVerifier,
    manage,
};

use crate::{
    backend::Backend,
    cli::{CreateAdminOptions, CreateApiKeyOptions, TokenOptions, Tuning, VerifyLogOptions},
    failure::Failure,
    token,
};

/// The shortest password (characters): a server can not know where else a shorter one is used.
const MIN_PASSWORD: usize = 12;
/// The longest password read (bytes).
const MAX_PASSWORD: u64 = 1024;

pub(crate) async fn create_admin(options: CreateAdminOptions) -> Result<ExitCode, Failure> {
    let email = checked_email(&options.email)?;
    let password = if options.password_stdin { Some(read_password()?) } else { None };
    let backend = Backend::open(&options.database.database_url, &Tuning::default()).await?;
    let result = new_admin(&*backend.store, email, password.as_deref()).await;
    backend.close().await;
    let admin = result?;
    if options.json {
        println!("{}", serde_json::json!({ "id": admin.id, "email": admin.email }));
    } else {
        println!("admin {} ({})", admin.id, admin.email);
    }
    Ok(ExitCode::SUCCESS)
}

/// Creates an admin; its password is hashed with Argon2id.
pub(crate) async fn new_admin(
    store: &dyn Store,
    email: String,
    password: Option<&str>,
) -> Result<splitter_core::Admin, Failure> {
    let hash = password.map(hash_password).transpose()?;
    let plan = manage::create_admin(email, hash, Settings::default(), &SystemWorld.env());
    let work = Work::new(Scope::of(plan.admin_id), move |_| Planned::Commit(plan.clone()));
    match store.transact(work).await.map(|plan| plan.reply) {
        Ok(Reply::Admin(admin)) => Ok(*admin),
        Ok(_) => unreachable!("creating an admin answers with it"),
        Err(TransactError::Rejected(Rejection::EmailTaken)) => {
            Err(Failure::usage("an admin with this e-mail address exists"))
        }
        Err(error) => Err(error.into()),
    }
}

fn hash_password(password: &str) -> Result<String, Failure> {
    let mut salt = [0; 16];
    SystemWorld.fill_random(&mut salt);
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    hash.map(|hash| hash.to_string())
        .map_err(|error| Failure::usage(format!("the password can not be hashed: {error}")))
}

fn checked_email(email: &str) -> Result<String, Failure> {
    let email = email.trim().to_lowercase();
    let fine = email.len() <= 254
        && !email.chars().any(|c| c.is_control() || c.is_whitespace())
        && email
            .split_once('@')
            .is_some_and(|(local, host)| !local.is_empty() && !host.is_empty() && !host.contains('@'));
    if fine { Ok(email) } else { Err(Failure::usage(format!("`{email}` is not an e-mail address"))) }
}

fn read_password() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin().take(MAX_PASSWORD).read_to_string(&mut text)?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.chars().count() < MIN_PASSWORD {
        return Err(Failure::usage(format!("the password needs at least {MIN_PASSWORD} characters")));
    }
    Ok(password.to_owned())
}

pub(crate) async fn create_api_key(options: CreateApiKeyOptions) -> Result<ExitCode, Failure> {
    check_key_prefix(&options.key_prefix).map_err(|error| Failure::usage(error.to_string()))?;
    if options.name.trim().is_empty() || options.name.chars().count() > 255 {
        return Err(Failure::usage("the name needs 1 to 255 characters"));
    }
    let backend = Backend::open(&options.database.database_url, &Tuning::default()).await?;
    let result = new_api_key(&*backend.store, options.admin, &options.name, &options.key_prefix).await;
    backend.close().await;
    let (key, secret) = result?;
    if options.json {
        println!("{}", serde_json::json!({ "id": key.id, "name": key.name, "key": secret }));
    } else {
        println!("{secret}");
        eprintln!("This is the only time that the key is shown.");
    }
    Ok(ExitCode::SUCCESS)
}

/// Creates an API key of an admin that exists; returns it with its text.
pub(crate) async fn new_api_key(
    store: &dyn Store,
    admin: AdminId,
    name: &str,
    prefix: &str,
) -> Result<(ApiKey, String), Failure> {
    if store.admin(admin).await?.is_none() {
        return Err(Failure::usage(format!("there is no admin {admin}")));
    }
    let mut random = [0; KEY_RANDOM_BYTES];
    SystemWorld.fill_random(&mut random);
    let (secret, lookup) = new_key(prefix, &random);
    let plan: Plan = manage::create_api_key(admin, name.to_owned(), lookup, hash_key(&secret), &SystemWorld.env());
    let work = Work::new(Scope::of(admin), move |_| Planned::Commit(plan.clone()));
    match store.transact(work).await?.reply {
        Reply::ApiKey(key) => Ok((*key, secret)),
        _ => unreachable!("creating a key answers with it"),
    }
}

pub(crate) async fn print_token(options: TokenOptions) -> Result<ExitCode, Failure> {
    let backend = Backend::open(&options.database.database_url, &Tuning::default()).await?;
    let admin = backend.store.admin(options.admin).await;
    backend.close().await;
    if admin?.is_none() {
        return Err(Failure::usage(format!("there is no admin {}", options.admin)));
    }
    let expires_at = SystemWorld.now().plus_millis(i64::from(options.expires_in) * 1000);
    println!("{}", token::sign(&options.keys, options.admin, expires_at)?);
    Ok(ExitCode::SUCCESS)
}

/// Walks along a splitter's log in pages; exits with 1 if a row is not what it has to be.
pub(crate) async fn verify_log(options: VerifyLogOptions) -> Result<ExitCode, Failure> {
    const PAGE: u32 = 1000;
    let backend = Backend::open(&options.database.database_url, &Tuning::default()).await?;
    let splitter = backend.store.splitter(options.admin, options.splitter).await?;
    let splitter = splitter.ok_or_else(|| Failure::usage(format!("there is no splitter {}", options.splitter)))?;
    let mut verifier = ChainVerifier::default();
    loop {
        let after = verifier.report().checked;
        let rows = backend.store.decisions_after(options.admin, options.splitter, after, PAGE).await?;
        for row in &rows {
            verifier.push(row);
        }
        if rows.is_empty() || verifier.report().first_bad_seq.is_some() {
            break;
        }
    }
    let mut report = verifier.report().clone();
    if report.first_bad_seq.is_none() && report.checked < splitter.state.seq {
        report.first_bad_seq = Some(report.checked + 1);
        report.problem = Some("it is missing");
    }
    println!(
        "{}",
        serde_json::json!({
            "valid": report.first_bad_seq.is_none(),
            "checked": report.checked,
            "head": hex(&report.head),
            "firstBadSeq": report.first_bad_seq,
            "problem": report.problem,
        })
    );
    backend.close().await;
    Ok(if report.first_bad_seq.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
