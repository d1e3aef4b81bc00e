//! Weekly windows: `{"days":["mon"],"from":"09:00","to":"17:00"}`.

use splitter_core::{
    Violations, WeeklyWindow,
    time::{WEEKDAY_NAMES, Weekdays, weekday_from_name},
};

use crate::json::{Fields, reader::not_one_of};

/// A window. The caller refuses unknown fields, as windows of strategies have one more.
pub(crate) fn read(fields: &mut Fields<'_, '_>, found: &mut Violations) -> Option<WeeklyWindow> {
    let days = fields.required(found, "days").and_then(|value| {
        let items = value.items(found)?;
        if items.is_empty() {
            value.refuse(found, "must name at least one weekday");
            return None;
        }
        let (mut days, mut fine) = (Weekdays::NONE, true);
        for item in items {
            let Some(text) = item.text(found) else {
                fine = false;
                continue;
            };
            if let Some(day) = weekday_from_name(text) {
                days = days.with(day);
            } else {
                item.refuse(found, not_one_of(text, WEEKDAY_NAMES.into_iter()));
                fine = false;
            }
        }
        fine.then_some(days)
    });
    let from = fields.required(found, "from").and_then(|value| value.parsed(found));
    let to = fields.required(found, "to").and_then(|value| value.parsed(found));
    WeeklyWindow::new(days?, from?, to?).ok()
}
