//! The fields of a contact as they were sent, and the rules they have to keep. All violations are found at once.

use chrono_tz::Tz;

use super::{EnrollContact, Target};
use crate::{
    actor::Actor,
    contact::CustomVariables,
    id::AdminId,
    phone::{PhoneNumber, PhonePolicy},
    violation::{Violations, check_text},
};

/// Sizes that a contact may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Characters of a name.
    pub name: usize,
    /// Custom variables of a contact.
    pub variables: usize,
    /// Characters of a variable's name.
    pub variable_name: usize,
    /// Characters of a variable's value.
    pub variable_value: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { name: 255, variables: 100, variable_name: 128, variable_value: 4096 }
    }
}

/// The fields of a contact as they were sent. `None` is a field that was not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContactInput {
    /// The number; required.
    pub phone_number: Option<String>,
    /// Who chooses the campaign; required.
    pub target: Option<Target>,
    /// The full name.
    pub name: Option<String>,
    /// An IANA name.
    pub timezone: Option<String>,
    /// Names and values of variables.
    pub custom_variables: Option<Vec<(String, String)>>,
}

impl ContactInput {
    /// Checks every rule, beside what `found` has already. Fields in `found` are not complained about a second time.
    pub fn check(
        self,
        admin_id: AdminId,
        actor: Actor,
        policy: &PhonePolicy,
        limits: &Limits,
        found: Violations,
    ) -> Result<EnrollContact, Violations> {
        let mut violations = found;
        let phone_number = self.check_phone(policy, &mut violations);
        if let Some(name) = &self.name {
            check_text(&mut violations, "name", name, limits.name);
        }
        let timezone = self.timezone.as_deref().and_then(|text| check_timezone(&mut violations, "timezone", text));
        let custom_variables = self.custom_variables.map(|list| check_variables(&mut violations, list, limits));
        if self.target.is_none() && !violations.names("splitterId") && !violations.names("campaignId") {
            violations.push("splitterId", "`splitterId` or `campaignId` is required");
        }
        match (phone_number, self.target) {
            (Some(phone_number), Some(target)) if violations.is_empty() => Ok(EnrollContact {
                admin_id,
                target,
                phone_number,
                name: self.name,
                timezone,
                custom_variables,
                actor,
                idempotency_key: None,
                max_variables: limits.variables,
            }),
            _ => Err(violations),
        }
    }

    fn check_phone(&self, policy: &PhonePolicy, violations: &mut Violations) -> Option<PhoneNumber> {
        let Some(text) = &self.phone_number else {
            if !violations.names("phoneNumber") {
                violations.push("phoneNumber", "is required");
            }
            return None;
        };
        policy.check(text).map_err(|error| violations.push("phoneNumber", error.to_string())).ok()
    }
}

/// Reads an IANA zone name, or says what is wrong with it.
pub fn check_timezone(violations: &mut Violations, path: &str, text: &str) -> Option<Tz> {
    let zone = text.parse().ok();
    if zone.is_none() {
        let shown: String = text.chars().take(64).collect();
        violations
            .push(path, format!("`{}` is not an IANA time zone such as `America/New_York`", shown.escape_debug()));
    }
    zone
}

fn check_variables(violations: &mut Violations, list: Vec<(String, String)>, limits: &Limits) -> CustomVariables {
    if list.len() > limits.variables {
        violations.push("customVariables", format!("must have at most {} variables", limits.variables));
    }
    let mut variables = CustomVariables::new();
    for (name, value) in list {
        let path = format!("customVariables.{name}");
        if let Some(problem) = variable_name_problem(&name, limits.variable_name) {
            violations.push(path.clone(), problem);
        }
        check_text(violations, &path, &value, limits.variable_value);
        if variables.insert(name, value).is_some() {
            violations.push(path, "is given twice");
        }
    }
    variables
}

/// What is wrong with the name of a variable.
fn variable_name_problem(name: &str, max: usize) -> Option<String> {
    if name.is_empty() {
        Some("a variable's name must not be empty".into())
    } else if name.len() > max && name.chars().count() > max {
        Some(format!("a variable's name must have at most {max} characters"))
    } else if name.chars().any(|c| c.is_control() || c == '{' || c == '}') {
        Some("a variable's name must not contain control characters, `{` or `}`".into())
    } else {
        None
    }
}
