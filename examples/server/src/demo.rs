//! The demonstration: everything that is needed to paste a `curl` line and see what it does.

use std::{fmt::Write as _, net::SocketAddr, process::ExitCode, sync::Arc};

use splitter_axum::{Config, ConsoleSender, SystemWorld, TokenVerifier, World as _};
use splitter_core::{
    Actor, AdminId, CampaignConfig, CampaignId, CampaignStatus, Channel, OutreachStep, Reply, Scope, Sender,
    SplitterDraft, SplitterId, Store, Template, Work,
    access::{DEFAULT_KEY_PREFIX, hex},
    manage,
    splitter::{Caps, Member, Overflow, ReturningContacts, ShareWindow, Strategy},
    splitter_commands,
    strategy::adaptive,
    time::{TimeOfDay, Weekdays},
    window::WeeklyWindow,
};
use tokio::net::TcpListener;

use crate::{
    accounts::{new_admin, new_api_key},
    backend::Backend,
    cli::{DemoOptions, Keys},
    failure::Failure,
    serve, token,
};

const EMAIL: &str = "demo@example.com";
const DAY_SECONDS: i64 = 24 * 60 * 60;

/// What the demonstration made, to be printed.
struct Demo {
    url: String,
    admin: AdminId,
    password: String,
    api_key: String,
    token: String,
    campaigns: Vec<(String, CampaignId)>,
    splitters: Vec<(String, SplitterId)>,
}

pub(crate) async fn run(options: DemoOptions) -> Result<ExitCode, Failure> {
    let stop = serve::StopSignal::new()?;
    let backend = Backend::temporary().await?;
    let mut random = [0; 32];
    SystemWorld.fill_random(&mut random);
    let keys = Keys { secret: Some(hex(&random)), public_key: None, issuer: None, audience: None };
    let listener = listen(options.listen).await?;
    let demo = prepare(&*backend.store, &keys, listener.local_addr()?).await?;
    if options.json {
        println!("{}", demo.to_json());
    } else {
        println!("{}", demo.to_text());
    }
    let secret = keys.secret.unwrap_or_default();
    let tokens = TokenVerifier::hs256(secret.as_bytes()).map_err(|error| Failure::usage(error.to_string()))?;
    let app = serve::app(&backend, Some(tokens), Config::default());
    // What is printed for a program stays the only line on standard output.
    let sender: Arc<dyn Sender> =
        if options.json { Arc::new(ConsoleSender::new(std::io::stderr())) } else { Arc::new(ConsoleSender::stdout()) };
    let dispatcher = serve::dispatcher(&backend, sender);
    serve::until_stopped(vec![(listener, app)], Some(dispatcher), backend, stop).await;
    Ok(ExitCode::SUCCESS)
}

/// The wanted address, or another port of it if that one is taken: the first try must not fail for that.
async fn listen(wanted: SocketAddr) -> Result<TcpListener, Failure> {
    match TcpListener::bind(wanted).await {
        Ok(listener) => Ok(listener),
        Err(_) => Ok(TcpListener::bind(SocketAddr::new(wanted.ip(), 0)).await?),
    }
}

async fn prepare(store: &dyn Store, keys: &Keys, address: SocketAddr) -> Result<Demo, Failure> {
    let mut random = [0; 9];
    SystemWorld.fill_random(&mut random);
    let password = hex(&random);
    let admin = new_admin(store, EMAIL.to_owned(), Some(&password)).await?.id;
    let (_, api_key) = new_api_key(store, admin, "Demo integration", DEFAULT_KEY_PREFIX).await?;
    let mut campaigns = Vec::new();
    for (name, first, second) in [
        ("Text first", Channel::Sms, Channel::Call),
        ("Call first", Channel::Call, Channel::Whatsapp),
        ("WhatsApp first", Channel::Whatsapp, Channel::Call),
    ] {
        campaigns.push((name.to_owned(), create_campaign(store, admin, name, first, second).await?));
    }
    let ids: Vec<CampaignId> = campaigns.iter().map(|(_, id)| *id).collect();
    let mut splitters = Vec::new();
    for (name, strategy) in [
        ("50/30/20", Strategy::Percentage),
        ("Texts outside of office hours", office_hours(&ids)?),
        ("Follow the outcomes", Strategy::Adaptive(adaptive::Settings::default())),
    ] {
        splitters.push((name.to_owned(), create_splitter(store, admin, name, strategy, &ids).await?));
    }
    let expires_at = SystemWorld.now().plus_millis(DAY_SECONDS * 1000);
    let token = token::sign(keys, admin, expires_at)?;
    Ok(Demo { url: format!("http://{address}"), admin, password, api_key, token, campaigns, splitters })
}

fn office_hours(campaigns: &[CampaignId]) -> Result<Strategy, Failure> {
    let times = TimeOfDay::from_minutes(9 * 60).zip(TimeOfDay::from_minutes(17 * 60));
    let (from, to) = times.ok_or_else(|| Failure::usage("office hours"))?;
    let days = Weekdays::WORKING;
    let window = WeeklyWindow::new(days, from, to).map_err(|error| Failure::usage(error.to_string()))?;
    let percentages_bp = vec![(campaigns[1], 7000), (campaigns[2], 3000)];
    Ok(Strategy::TimeWeighted { windows: vec![ShareWindow { window, percentages_bp }] })
}

async fn create_campaign(
    store: &dyn Store,
    admin: AdminId,
    name: &str,
    first: Channel,
    second: Channel,
) -> Result<CampaignId, Failure> {
    let step = |channel, delay_minutes| {
        let text = match channel {
            Channel::Call => "Call {{name|the lead}} about {{product|our offer}}.",
            Channel::Sms | Channel::Whatsapp => "Hi {{name|there}}, this is {{company|our team}}.",
        };
        Template::parse(text)
            .map(|template| OutreachStep { channel, delay_minutes, template })
            .map_err(|error| Failure::usage(error.to_string()))
    };
    let config = CampaignConfig {
        name: name.to_owned(),
        status: CampaignStatus::Active,
        outreach: vec![step(first, 1)?, step(second, 60)?],
        calling_window: None,
        requires_email: false,
    };
    let env = SystemWorld.env();
    let work = Work::new(Scope::of(admin), move |_| manage::create_campaign(admin, config.clone(), &env).into());
    match store.transact(work).await?.reply {
        Reply::Campaign(campaign) => Ok(campaign.id),
        _ => unreachable!("creating a campaign answers with it"),
    }
}

async fn create_splitter(
    store: &dyn Store,
    admin: AdminId,
    name: &str,
    strategy: Strategy,
    campaigns: &[CampaignId],
) -> Result<SplitterId, Failure> {
    let members = campaigns.iter().zip([5000, 3000, 2000]).map(|(id, percentage_bp)| Member {
        campaign_id: *id,
        percentage_bp,
        enabled: true,
        caps: Caps::default(),
    });
    let draft = SplitterDraft {
        name: name.to_owned(),
        timezone: chrono_tz::America::New_York,
        strategy,
        campaigns: members.collect(),
        overflow: Overflow::NextEligible,
        returning_contacts: ReturningContacts::Redistribute,
    };
    let env = SystemWorld.env();
    let work = Work::new(splitter_commands::scope_of_draft(admin, &draft), move |snapshot| {
        splitter_commands::create(snapshot, admin, &draft, Actor::System, &env).into()
    });
    match store.transact(work).await?.reply {
        Reply::Splitter(splitter) => Ok(splitter.id),
        _ => unreachable!("creating a splitter answers with it"),
    }
}

impl Demo {
    fn enrol_line(&self) -> String {
        let splitter = self.splitters[0].1;
        format!(
            "curl -i -X POST {}/contacts -H 'X-API-Key: {}' -H 'Content-Type: application/json' \
             -d '{{\"phoneNumber\":\"+15551234567\",\"splitterId\":\"{splitter}\",\"name\":\"Jane Smith\",\
             \"customVariables\":{{\"company\":\"Acme Corp\"}}}}'",
            self.url, self.api_key
        )
    }

    fn log_line(&self) -> String {
        let splitter = self.splitters[0].1;
        format!("curl -s {}/splitters/{splitter}/logs -H 'Authorization: Bearer {}'", self.url, self.token)
    }

    fn contacts_line(&self) -> String {
        format!("curl -s {}/contacts -H 'X-API-Key: {}'", self.url, self.api_key)
    }

    fn to_json(&self) -> serde_json::Value {
        let named = |list: &[(String, String)]| -> Vec<serde_json::Value> {
            list.iter().map(|(name, id)| serde_json::json!({ "id": id, "name": name })).collect()
        };
        let campaigns: Vec<_> = self.campaigns.iter().map(|(name, id)| (name.clone(), id.to_string())).collect();
        let splitters: Vec<_> = self.splitters.iter().map(|(name, id)| (name.clone(), id.to_string())).collect();
        serde_json::json!({
            "url": self.url,
            "adminId": self.admin,
            "email": EMAIL,
            "password": self.password,
            "apiKey": self.api_key,
            "token": self.token,
            "splitterId": self.splitters[0].1,
            "campaigns": named(&campaigns),
            "splitters": named(&splitters),
            "curl": { "enroll": self.enrol_line(), "log": self.log_line(), "contacts": self.contacts_line() },
        })
    }

    fn to_text(&self) -> String {
        let mut text = format!(
            "The contact splitter is serving a demonstration at {}\n\
             (a temporary database, gone when this stops with Ctrl-C).\n\n\
             API key (enrols and reads)   {}\n\
             Token (manages, one day)     {}\n\n\
             Send a contact through the splitter; send it again to see it updated:\n\n  {}\n\n\
             See every decision with its reasons:\n\n  {}\n\n\
             See the contacts:\n\n  {}\n\n\
             Nobody is called or texted: what is due is printed here, the first message one minute after the contact.\n\n\
             Splitters:\n",
            self.url,
            self.api_key,
            self.token,
            self.enrol_line(),
            self.log_line(),
            self.contacts_line(),
        );
        for (name, id) in &self.splitters {
            // Writing to a `String` can not fail.
            let _ = writeln!(text, "  {id}  {name}");
        }
        text
    }
}
