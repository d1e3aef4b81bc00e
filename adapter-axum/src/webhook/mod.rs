//! The webhook sender: posts each message, signed as the [Standard Webhooks] specification says, to its admin's address.
//!
//! An admin chooses the address, so it is as hostile as any input: it must not be a way into the network that the server
//! stands in. Addresses are therefore looked at when a connection is made, after names were resolved, so that a name that
//! changes its mind between check and use gains nothing; redirects are not followed; the environment's proxies are not
//! used; answers are read up to a bound, and nothing of them is stored or shown but the status.
//!
//! [Standard Webhooks]: https://www.standardwebhooks.com/

mod address;
mod body;
mod sign;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
    redirect::Policy,
};
use splitter_core::{
    Sender, Webhook,
    dispatch::{Destination, Message, SendError},
};

use address::{Allowed, RefusedAddress, Resolver};
pub use address::{InvalidNetwork, Network, is_public};
pub use body::body;
pub use sign::sign;

/// What the sender may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookOptions {
    /// Whether `http://` is good enough. Not by default.
    pub allow_http: bool,
    /// Networks that may be connected to although they are not [public](is_public). None by default.
    pub allowed_networks: Vec<Network>,
    /// How long connecting may take, 5 seconds.
    pub connect_timeout: Duration,
    /// How long a whole exchange may take, 15 seconds.
    pub timeout: Duration,
    /// How much of an answer is read, 16 KiB: an answer that ends within keeps its connection for the next message.
    pub max_response_bytes: usize,
}

impl Default for WebhookOptions {
    fn default() -> Self {
        Self {
            allow_http: false,
            allowed_networks: Vec::new(),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(15),
            max_response_bytes: 16 * 1024,
        }
    }
}

/// Posts messages to webhooks.
#[derive(Debug, Clone)]
pub struct WebhookSender {
    client: Client,
    allowed: Allowed,
    allow_http: bool,
    max_response_bytes: usize,
}

/// The client could not be made: the system's certificates can not be read.
#[derive(Debug, thiserror::Error)]
#[error("the webhook client could not be made: {0}")]
pub struct NoClient(#[source] reqwest::Error);

impl WebhookSender {
    /// A sender with a pool of connections of its own.
    pub fn new(options: WebhookOptions) -> Result<Self, NoClient> {
        let allowed = Allowed::from(options.allowed_networks);
        let client = Client::builder()
            .user_agent(concat!("contact-splitter/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .no_proxy()
            .dns_resolver(Resolver(allowed.clone()))
            .connect_timeout(options.connect_timeout)
            .timeout(options.timeout)
            .build()
            .map_err(NoClient)?;
        Ok(Self { client, allowed, allow_http: options.allow_http, max_response_bytes: options.max_response_bytes })
    }

    /// The address, if it may be called. Hosts that are written as numbers are never resolved, so they are looked at here.
    fn url(&self, webhook: &Webhook) -> Result<Url, SendError> {
        let url = Url::parse(webhook.url.as_str())
            .map_err(|_| SendError::permanent("the webhook's address can not be read"))?;
        if url.scheme() != "https" && !(self.allow_http && url.scheme() == "http") {
            return Err(SendError::permanent("the webhook's address does not begin with https://"));
        }
        // `Url` has made numbers of all spellings into addresses: `0x7f.1` is 127.0.0.1 by now.
        let literal = url.host_str().map(|host| host.trim_start_matches('[').trim_end_matches(']').parse());
        match literal {
            Some(Ok(address)) if !self.allowed.permits(address) => Err(refused()),
            Some(_) => Ok(url),
            None => Err(SendError::permanent("the webhook's address names no host")),
        }
    }

    async fn post(&self, message: &Message, webhook: &Webhook) -> Result<(), SendError> {
        let url = self.url(webhook)?;
        let body = body(message);
        let request = self.client.post(url).headers(headers(message, webhook, &body)).body(body);
        let mut response = request.send().await.map_err(|error| failure(&error))?;
        let result = judge(&response);
        let mut left = self.max_response_bytes;
        while let Ok(Some(chunk)) = response.chunk().await {
            let Some(rest) = left.checked_sub(chunk.len()) else { break };
            left = rest;
        }
        result
    }
}

#[async_trait]
impl Sender for WebhookSender {
    async fn send(&self, message: &Message, destination: &Destination) -> Result<(), SendError> {
        match &destination.webhook {
            Some(webhook) => self.post(message, webhook).await,
            None => Err(SendError::permanent("no webhook is set")),
        }
    }
}

fn headers(message: &Message, webhook: &Webhook, body: &str) -> HeaderMap {
    let id = message.id.to_string();
    let seconds = message.sent_at.as_millis().div_euclid(1_000);
    let values = [
        ("webhook-id", id.clone()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", sign(&webhook.secret, &id, seconds, body)),
    ];
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in values {
        // Hexadecimal digits, hyphens, numbers and base64 all make headers.
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}

fn refused() -> SendError {
    SendError::permanent(RefusedAddress.to_string())
}

/// What an answer means. Everything but 2xx is a failure; of these only `410 Gone` says that trying again is useless.
fn judge(response: &Response) -> Result<(), SendError> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let reason = if status.is_redirection() {
        format!("the webhook answered {}, and redirects are not followed", status.as_u16())
    } else {
        format!("the webhook answered {}", status.as_u16())
    };
    if status == StatusCode::GONE {
        return Err(SendError::permanent(reason));
    }
    let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
    Err(SendError::Retryable { reason, after_ms: seconds.map(|seconds| i64::from(seconds) * 1_000) })
}

/// Without the address, which can hold secrets.
fn failure(error: &reqwest::Error) -> SendError {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.is::<RefusedAddress>() {
            return refused();
        }
        source = cause.source();
    }
    SendError::retryable(if error.is_timeout() {
        "the webhook did not answer in time"
    } else if error.is_connect() {
        "the webhook could not be connected to"
    } else {
        "the webhook broke off the connection"
    })
}

/// For sharing one sender among dispatchers.
impl From<WebhookSender> for Arc<dyn Sender> {
    fn from(sender: WebhookSender) -> Self {
        Arc::new(sender)
    }
}
