//! Where an admin's messages are posted, and the secret that they are signed with.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// The most characters of a webhook's address.
pub const MAX_URL_CHARS: usize = 2_048;

/// The least and the most bytes of a secret, as the Standard Webhooks specification asks for.
pub const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// What every secret begins with.
pub const SECRET_PREFIX: &str = "whsec_";

/// Standard alphabet; secrets are read with and without padding, and written with it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An admin's webhook.
///
/// `Debug` hides the secret. `Serialize` does not, because a store has to keep it: an API must not answer with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Where messages are posted.
    pub url: WebhookUrl,
    /// What they are signed with.
    pub secret: WebhookSecret,
}

/// The address of a webhook: `https://` or `http://`, a host, no user, no fragment, visible ASCII only.
///
/// This is about what may be stored. Whether an address may be connected to is up to the sender, when it connects.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebhookUrl(String);

/// A text that is no address of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidWebhookUrl {
    /// Another scheme, or none.
    #[error("must begin with `https://` (or `http://`, where that is allowed)")]
    Scheme,
    /// Plain HTTP, where it is not allowed.
    #[error("must begin with `https://`: `http://` is not allowed here")]
    NotEncrypted,
    /// No host.
    #[error("must name a host")]
    NoHost,
    /// `user:password@` in it.
    #[error("must not contain a user name or password")]
    Credentials,
    /// A `#`.
    #[error("must not contain `#`")]
    Fragment,
    /// A space, a backslash, a control character or one outside of ASCII.
    #[error("must only contain visible ASCII characters and no backslash")]
    Characters,
    /// More than [`MAX_URL_CHARS`] characters.
    #[error("must have at most {MAX_URL_CHARS} characters")]
    TooLong,
}

impl WebhookUrl {
    /// Checks an address. `allow_http` is for receivers on the same machine or network.
    pub fn parse(text: &str, allow_http: bool) -> Result<Self, InvalidWebhookUrl> {
        if text.len() > MAX_URL_CHARS {
            return Err(InvalidWebhookUrl::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
            return Err(InvalidWebhookUrl::Characters);
        }
        let (scheme, rest) = text.split_once("://").ok_or(InvalidWebhookUrl::Scheme)?;
        match scheme.to_ascii_lowercase().as_str() {
            "https" => {}
            "http" if allow_http => {}
            "http" => return Err(InvalidWebhookUrl::NotEncrypted),
            _ => return Err(InvalidWebhookUrl::Scheme),
        }
        if rest.contains('#') {
            return Err(InvalidWebhookUrl::Fragment);
        }
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(InvalidWebhookUrl::Credentials);
        }
        if authority.is_empty() || authority.starts_with(':') {
            return Err(InvalidWebhookUrl::NoHost);
        }
        Ok(Self(text.to_owned()))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for WebhookUrl {
    type Error = InvalidWebhookUrl;
    /// Plain HTTP is accepted: what has been stored was allowed.
    fn try_from(text: String) -> Result<Self, InvalidWebhookUrl> {
        Self::parse(&text, true)
    }
}

impl From<WebhookUrl> for String {
    fn from(url: WebhookUrl) -> Self {
        url.0
    }
}

/// The key that messages are signed with, written as `whsec_` and base64.
///
/// ```
/// # use splitter_core::webhook::WebhookSecret;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
/// assert_eq!(secret.key().len(), 24);
/// assert_eq!(format!("{secret:?}"), "WebhookSecret(hidden)");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct WebhookSecret(Vec<u8>);

/// A text that is no secret. It does not say which text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be `{SECRET_PREFIX}` followed by {} to {} bytes in base64", SECRET_BYTES.start(), SECRET_BYTES.end())]
pub struct InvalidWebhookSecret;

impl WebhookSecret {
    /// A secret from random bytes.
    pub fn new(key: Vec<u8>) -> Result<Self, InvalidWebhookSecret> {
        if SECRET_BYTES.contains(&key.len()) { Ok(Self(key)) } else { Err(InvalidWebhookSecret) }
    }

    /// Reads `whsec_…`.
    pub fn parse(text: &str) -> Result<Self, InvalidWebhookSecret> {
        let encoded = text.strip_prefix(SECRET_PREFIX).ok_or(InvalidWebhookSecret)?;
        Self::new(BASE64.decode(encoded).map_err(|_| InvalidWebhookSecret)?)
    }

    /// The key itself.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.0
    }

    /// The secret as its owner has to know it, `whsec_…`.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{SECRET_PREFIX}{}", BASE64.encode(&self.0))
    }
}

impl PartialEq for WebhookSecret {
    fn eq(&self, other: &Self) -> bool {
        use subtle::ConstantTimeEq as _;
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for WebhookSecret {}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret(hidden)")
    }
}

impl Serialize for WebhookSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.reveal())
    }
}

impl<'de> Deserialize<'de> for WebhookSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        use InvalidWebhookUrl as Bad;
        let cases = [
            ("https://example.com", Ok(())),
            ("HTTPS://example.com:8443/hook?x=1", Ok(())),
            ("https://[2001:db8::1]/", Ok(())),
            ("http://example.com", Err(Bad::NotEncrypted)),
            ("ftp://example.com", Err(Bad::Scheme)),
            ("example.com", Err(Bad::Scheme)),
            ("", Err(Bad::Scheme)),
            ("https://", Err(Bad::NoHost)),
            ("https:///hook", Err(Bad::NoHost)),
            ("https://:443/", Err(Bad::NoHost)),
            ("https://user:word@example.com/", Err(Bad::Credentials)),
            ("https://example.com/#x", Err(Bad::Fragment)),
            ("https://example.com\\@evil.example/", Err(Bad::Characters)),
            ("https://exämple.com/", Err(Bad::Characters)),
            ("https://example.com/a b", Err(Bad::Characters)),
            ("https://example.com/\r\nx: y", Err(Bad::Characters)),
        ];
        for (text, expected) in cases {
            assert_eq!(WebhookUrl::parse(text, false).map(drop), expected, "{text}");
        }
        assert!(WebhookUrl::parse("http://127.0.0.1:9/", true).is_ok());
        assert_eq!(WebhookUrl::parse(&format!("https://{}", "x".repeat(2_048)), true).map(drop), Err(Bad::TooLong));
    }

    #[test]
    fn secrets() {
        let text = WebhookSecret::new((0..32).collect()).expect("32 bytes will do").reveal();
        assert_eq!(text, "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        assert_eq!(WebhookSecret::parse(&text).expect("it was just made").key(), (0..32).collect::<Vec<u8>>());
        assert!(WebhookSecret::parse(text.trim_end_matches('=')).is_ok());
        for bad in ["", "whsec_", "whsec_AAEC", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "whsec_?"] {
            assert!(WebhookSecret::parse(bad).is_err(), "{bad}");
        }
        assert!(WebhookSecret::new(vec![0; 65]).is_err());
    }

    #[test]
    fn nothing_that_is_printed_shows_the_secret() {
        let secret = WebhookSecret::new(vec![7; 24]).expect("24 bytes will do");
        let url = WebhookUrl::parse("https://example.com/hook", false).expect("an address");
        let webhook = Webhook { url, secret };
        assert!(!format!("{webhook:?}").contains("BwcH"));
        assert!(!format!("{webhook:#?}").contains('7'));
        let stored = serde_json::to_string(&webhook).expect("it can be written");
        assert_eq!(serde_json::from_str::<Webhook>(&stored).expect("and read"), webhook);
        let error = serde_json::from_str::<Webhook>(r#"{"url":"https://e.example","secret":"hush"}"#).unwrap_err();
        assert!(!error.to_string().contains("hush"));
    }
}
