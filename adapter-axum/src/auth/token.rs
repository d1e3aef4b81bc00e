//! Verifying tokens: the library checks the signature and nothing else, the claims are judged here, by the clock that is
//! passed in and without leeway.

use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde::Deserialize;
use splitter_core::{AdminId, Timestamp};
use thiserror::Error;

use crate::json::reader::parse_uuid;

/// The shortest secret for HS256 in bytes, as long as its hash (RFC 7518, section 3.2).
const MIN_SECRET: usize = 32;
/// An uncompressed point of P-256, the only curve of ES256.
const P256_POINT: usize = 65;

/// Verifies the signature and the claims of tokens. The algorithm is pinned by the kind of key.
///
/// Required claims: `sub`, an admin's id, and `exp`. `nbf` is judged if it is there, `iss` and `aud` if they are
/// configured.
#[derive(Clone)]
pub struct TokenVerifier {
    key: DecodingKey,
    algorithm: Algorithm,
    issuer: Option<String>,
    audience: Option<String>,
}

impl std::fmt::Debug for TokenVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenVerifier")
            .field("algorithm", &self.algorithm)
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

/// Why a key can not verify tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidTokenKey {
    /// A secret that could be guessed.
    #[error("the secret has {0} bytes, it needs at least {MIN_SECRET}")]
    ShortSecret(usize),
    /// Not a public key in PEM format, or of another kind.
    #[error("not a public key in PEM format of the kinds RSA, P-256 or Ed25519")]
    NotAPublicKey,
}

impl TokenVerifier {
    /// HS256 with a secret of at least 32 bytes.
    pub fn hs256(secret: &[u8]) -> Result<Self, InvalidTokenKey> {
        if secret.len() < MIN_SECRET {
            return Err(InvalidTokenKey::ShortSecret(secret.len()));
        }
        Ok(Self::new(DecodingKey::from_secret(secret), Algorithm::HS256))
    }

    /// RS256, ES256 or `EdDSA`, whichever fits the public key.
    pub fn public_key_pem(pem: &[u8]) -> Result<Self, InvalidTokenKey> {
        // The library would take a private key or a certificate for a public one.
        let text = std::str::from_utf8(pem).map_err(|_| InvalidTokenKey::NotAPublicKey)?;
        if !text.contains("-----BEGIN PUBLIC KEY-----") && !text.contains("-----BEGIN RSA PUBLIC KEY-----") {
            return Err(InvalidTokenKey::NotAPublicKey);
        }
        let is_p256 = |key: &DecodingKey| key.try_get_as_bytes().is_ok_and(|point| point.len() == P256_POINT);
        if let Ok(key) = DecodingKey::from_ed_pem(pem) {
            Ok(Self::new(key, Algorithm::EdDSA))
        } else if let Ok(key) = DecodingKey::from_ec_pem(pem) {
            if is_p256(&key) { Ok(Self::new(key, Algorithm::ES256)) } else { Err(InvalidTokenKey::NotAPublicKey) }
        } else {
            let key = DecodingKey::from_rsa_pem(pem).map_err(|_| InvalidTokenKey::NotAPublicKey)?;
            Ok(Self::new(key, Algorithm::RS256))
        }
    }

    fn new(key: DecodingKey, algorithm: Algorithm) -> Self {
        // Should another crate of the program switch on the library's other provider, it could not choose by itself and
        // would panic. An embedder who has installed one keeps it.
        let _ = crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        Self { key, algorithm, issuer: None, audience: None }
    }

    /// With an issuer that `iss` has to name.
    #[must_use]
    pub fn with_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// With an audience that `aud` has to name, alone or among others.
    #[must_use]
    pub fn with_audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// The admin that a token speaks for; `None` if it is no good, for whatever reason.
    #[must_use]
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<AdminId> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        // Extensions that have to be understood (RFC 7515, section 4.1.11): none is.
        if header.alg != self.algorithm || header.crit.is_some() {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        if !crypto::verify(signature, message.as_bytes(), &self.key, self.algorithm).ok()? {
            return None;
        }
        let claims: Claims = jsonwebtoken::dangerous::insecure_decode_claims(token).ok()?;
        self.accepts(&claims, now).then(|| parse_uuid(&claims.sub).map(AdminId)).flatten()
    }

    fn accepts(&self, claims: &Claims, now: Timestamp) -> bool {
        let now = now.as_millis() as f64 / 1000.0;
        let in_time = claims.exp.is_finite() && now < claims.exp && claims.nbf.is_none_or(|nbf| nbf <= now);
        let issuer = self.issuer.is_none() || claims.iss == self.issuer;
        let audience = self.audience.as_ref().is_none_or(|wanted| match &claims.aud {
            Some(Audience::One(audience)) => audience == wanted,
            Some(Audience::Several(audiences)) => audiences.contains(wanted),
            None => false,
        });
        in_time && issuer && audience
    }
}

/// Times are numbers of seconds, whole or not (RFC 7519, section 2).
#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    iss: Option<String>,
    aud: Option<Audience>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}
