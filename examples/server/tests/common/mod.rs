//! What these tests share: HTTP over bare TCP, so that they decide which bytes are sent and when the connection ends.
#![allow(dead_code, unreachable_pub, reason = "every test file includes this and uses its own part")]

#[path = "../../../../adapter-sqlx/tests/common/database.rs"]
pub mod database;

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// What the tokens of these tests are signed with.
pub const SECRET: &str = "a secret of more than 32 bytes, for tests only";

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Value,
}

impl Answer {
    /// Of an answer that ends with its connection.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        Some(Self { status, head: head.to_ascii_lowercase(), body: serde_json::from_str(body).ok()? })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// The bytes of a request after which the connection ends. `credential` is a whole header.
pub fn request(path: &str, credential: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{credential}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

pub async fn send(address: SocketAddr, request: &[u8]) -> Answer {
    let stream = TcpStream::connect(address).await.expect("connected");
    exchange(stream, request).await
}

/// Over a connection that is already open.
pub async fn exchange(mut stream: TcpStream, request: &[u8]) -> Answer {
    stream.write_all(request).await.expect("sent");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.expect("an answer");
    Answer::parse(&bytes).unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&bytes)))
}

/// An admin at the API's front door.
#[derive(Debug, Clone)]
pub struct Manager {
    pub address: SocketAddr,
    pub token: String,
}

impl Manager {
    pub fn credential(&self) -> String {
        format!("authorization: Bearer {}", self.token)
    }

    /// Makes something and returns it.
    pub async fn make(&self, path: &str, body: Value) -> Value {
        let answer = send(self.address, &request(path, &self.credential(), &body)).await;
        assert_eq!(answer.status, 201, "{path}: {}", answer.body);
        answer.body["data"].clone()
    }

    /// The id of a splitter over two new campaigns of two messages each.
    pub async fn splitter(&self) -> String {
        let mut campaigns = Vec::new();
        for (name, percentage) in [("A", 60), ("B", 40)] {
            let outreach = json!([
                { "channel": "sms", "delayMinutes": 0, "template": "Hi {{name|there}}." },
                { "channel": "call", "delayMinutes": 60, "template": "Call {{phoneNumber}}." },
            ]);
            let made = self.make("/campaigns", json!({ "name": name, "outreach": outreach })).await;
            campaigns.push(json!({ "campaignId": made["id"], "percentage": percentage }));
        }
        let made = self.make("/splitters", json!({ "name": "leads", "campaigns": campaigns })).await;
        made["id"].as_str().expect("an id").to_owned()
    }
}
