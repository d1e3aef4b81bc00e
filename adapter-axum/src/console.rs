//! A sender that prints: for trying things out, where nobody shall be called.

use std::{
    fmt::Write as _,
    io::{self, Write},
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use splitter_core::{
    Sender,
    dispatch::{Destination, Message, SendError},
};

/// Prints each message on one line: the time, the channel, the number, the text.
///
/// ```text
/// 2026-05-13T14:30:00.000Z  sms       +15551234567  Hi Jane, this is Acme Corp.
/// ```
///
/// What is printed is personal data on purpose, so it goes to the given output and never to the log. Control characters
/// and those that change the direction of writing are escaped: a value must not be able to steer a terminal or to look
/// like a second line.
#[derive(Debug)]
pub struct ConsoleSender<W> {
    output: Mutex<W>,
}

impl ConsoleSender<io::Stdout> {
    /// To the standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self::new(io::stdout())
    }
}

impl<W: Write + Send> ConsoleSender<W> {
    /// To any output.
    pub const fn new(output: W) -> Self {
        Self { output: Mutex::new(output) }
    }

    /// The output back.
    pub fn into_inner(self) -> W {
        self.output.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<W: Write + Send> Sender for ConsoleSender<W> {
    async fn send(&self, message: &Message, _: &Destination) -> Result<(), SendError> {
        let line = line(message);
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        // One call, so that lines of several senders do not mix.
        let written = output.write_all(line.as_bytes()).and_then(|()| output.flush());
        written.map_err(|error| SendError::retryable(format!("could not print it: {}", error.kind())))
    }
}

fn line(message: &Message) -> String {
    let mut line = format!("{}  {:<8}  {:<15}  ", message.sent_at, message.channel.as_str(), message.to.to_string());
    for c in message.text.chars() {
        if c.is_control() || is_directional(c) {
            // Writing to a `String` can not fail.
            let _ = write!(line, "{}", c.escape_default());
        } else {
            line.push(c);
        }
    }
    line.push('\n');
    line
}

/// Line separators, and the marks that change the direction of writing.
const fn is_directional(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use splitter_core::{
        AdminId, CampaignId, Channel, ContactId, OutreachId, PhoneNumber, Timestamp, dispatch::Message,
    };
    use uuid::Uuid;

    #[test]
    fn a_line_is_one_line() {
        let at = Timestamp::from_millis(1_778_682_600_000);
        let id = Uuid::from_u128(1);
        let text = "Hi\r\n\u{1b}[2JAnn \u{202e}evil\u{2028}é \\n";
        let message = Message {
            id: OutreachId(id),
            admin_id: AdminId(id),
            contact_id: ContactId(id),
            campaign_id: CampaignId(id),
            channel: Channel::Sms,
            to: PhoneNumber::parse("+15551234567").expect("a number"),
            text: text.to_owned(),
            scheduled_at: at,
            sent_at: at,
            attempt: 1,
        };
        assert_eq!(
            super::line(&message),
            "2026-05-13T14:30:00.000Z  sms       +15551234567     Hi\\r\\n\\u{1b}[2JAnn \\u{202e}evil\\u{2028}é \\n\n"
        );
    }
}
