//! Signing and verifying tokens with what the command line gives.

use jsonwebtoken::{EncodingKey, Header, encode};
use splitter_axum::TokenVerifier;
use splitter_core::{AdminId, Timestamp};

use crate::{cli::Keys, failure::Failure};

/// A token that lets `admin` manage until `expires_at`.
pub(crate) fn sign(keys: &Keys, admin: AdminId, expires_at: Timestamp) -> Result<String, Failure> {
    let secret = keys.secret.as_deref().ok_or_else(|| {
        Failure::usage("tokens are signed with a secret: give --jwt-secret or SPLITTER_JWT_SECRET (at least 32 bytes)")
    })?;
    // The same rules as for verifying: a token that the server would refuse is no use.
    TokenVerifier::hs256(secret.as_bytes()).map_err(|error| Failure::usage(error.to_string()))?;
    let mut claims = serde_json::json!({ "sub": admin, "exp": expires_at.as_millis() / 1000 });
    for (name, value) in [("iss", &keys.issuer), ("aud", &keys.audience)] {
        if let Some(value) = value {
            claims[name] = value.as_str().into();
        }
    }
    encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes()))
        .map_err(|error| Failure::usage(format!("the token could not be signed: {error}")))
}

/// What verifies tokens; `None` if no key was given.
pub(crate) fn verifier(keys: &Keys) -> Result<Option<TokenVerifier>, Failure> {
    let verifier = match (&keys.secret, &keys.public_key) {
        (Some(secret), _) => TokenVerifier::hs256(secret.as_bytes()),
        (None, Some(path)) => {
            let pem = std::fs::read(path)
                .map_err(|error| Failure::usage(format!("`{}` can not be read: {error}", path.display())))?;
            TokenVerifier::public_key_pem(&pem)
        }
        (None, None) => return Ok(None),
    };
    let mut verifier = verifier.map_err(|error| Failure::usage(error.to_string()))?;
    if let Some(issuer) = &keys.issuer {
        verifier = verifier.with_issuer(issuer);
    }
    if let Some(audience) = &keys.audience {
        verifier = verifier.with_audience(audience);
    }
    Ok(Some(verifier))
}
