//! stub
use serde::{Deserialize, Serialize};
/// s
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {}
impl Settings {
    /// c
    pub fn check(&self) -> Result<(), std::fmt::Error> {
        Ok(())
    }
}
/// m
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {}
