//! Over real connections, on tokio's paused clock: it moves only when nobody has anything to do.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::Bytes,
    routing::{get, post},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use super::{Times, serve};

const TIMES: Times =
    Times { head: Duration::from_secs(30), linger: Duration::from_secs(5), drain: Duration::from_mins(1) };
/// What a moment on the clock may add.
const MOMENT: Duration = Duration::from_millis(20);

const REQUEST: &[u8] = b"GET /quick HTTP/1.1\r\nhost: x\r\n\r\n";

struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    running: JoinHandle<usize>,
    /// `/slow` says that it has begun, and then waits to be told to end.
    begun: mpsc::Receiver<()>,
    end: mpsc::Sender<()>,
}

async fn server() -> Server {
    let (beginning, begun) = mpsc::channel(1);
    let (end, ended) = mpsc::channel::<()>(1);
    let ended = std::sync::Arc::new(tokio::sync::Mutex::new(ended));
    let slow = move || async move {
        beginning.send(()).await.expect("somebody waits");
        ended.lock().await.recv().await;
        "slow"
    };
    let app = Router::new()
        .route("/quick", get(|| async { "quick" }))
        .route("/slow", get(slow))
        .route("/echo", post(|body: Bytes| async { body }));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(serve(listener, app, TIMES, stopped));
    Server { address, stop, running, begun, end }
}

impl Server {
    async fn connect(&self, sent: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.expect("connected");
        stream.write_all(sent).await.expect("sent");
        stream
    }

    /// Connects and waits for the answer of a first request, so that the connection is idle.
    async fn connect_idle(&self) -> TcpStream {
        let mut stream = self.connect(REQUEST).await;
        let mut answer = Vec::new();
        while !answer.ends_with(b"quick") {
            assert_ne!(stream.read_buf(&mut answer).await.expect("an answer"), 0);
        }
        stream
    }

    /// Tells it to stop. How many connections were cut off, and how long that took.
    async fn stopped(self) -> (usize, Duration) {
        let begun = Instant::now();
        self.stop.send(true).expect("it runs");
        (self.running.await.expect("no panic"), begun.elapsed())
    }
}

/// Everything until the other side ends the connection, in whatever way, and how long that took.
async fn rest(mut stream: TcpStream) -> (String, Duration) {
    let begun = Instant::now();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    (String::from_utf8(answer).expect("text"), begun.elapsed())
}

fn close_to(took: Duration, wanted: Duration) -> bool {
    took >= wanted && took <= wanted + MOMENT
}

#[tokio::test(start_paused = true)]
async fn half_a_head_is_not_waited_for_longer_than_its_time() {
    let server = server().await;
    for sent in ["", "G", "GET /quick HTTP/1.1", "GET /quick HTTP/1.1\r\nhost: x\r\nx-endless: "] {
        let (answer, took) = rest(server.connect(sent.as_bytes()).await).await;
        assert_eq!(answer, "", "{sent:?}");
        assert!(close_to(took, TIMES.head), "{sent:?}: {took:?}");
    }
    let (_, took) = rest(server.connect_idle().await).await;
    assert!(close_to(took, TIMES.head), "idle: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_comes_byte_by_byte_has_one_time_for_all_of_it() {
    let server = server().await;
    let begun = Instant::now();
    let mut stream = server.connect(b"GET /quick HTTP/1.1\r\nx-endless: ").await;
    let mut buffer = [0; 1];
    // A byte a second.
    while timeout(Duration::from_secs(1), stream.read(&mut buffer)).await.is_err() {
        if stream.write_all(b"x").await.is_err() {
            break;
        }
    }
    assert!(begun.elapsed() <= TIMES.head + Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(begun.elapsed() >= TIMES.head, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_request_may_take_longer_than_its_head_and_its_body_too() {
    let mut server = server().await;
    let slow = server.connect(b"GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    server.begun.recv().await.expect("it has begun");
    let mut echo =
        server.connect(b"POST /echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 4\r\n\r\nec").await;
    sleep(3 * TIMES.head).await;
    server.end.send(()).await.expect("it waits");
    assert!(rest(slow).await.0.ends_with("slow"));
    echo.write_all(b"ho").await.expect("sent");
    assert!(rest(echo).await.0.ends_with("echo"));
}

#[tokio::test(start_paused = true)]
async fn idle_connections_do_not_hold_up_the_end() {
    let server = server().await;
    let idle = [server.connect_idle().await, server.connect_idle().await];
    let (cut_off, took) = server.stopped().await;
    assert_eq!(cut_off, 0);
    assert!(took <= MOMENT, "{took:?}");
    for stream in idle {
        assert_eq!(rest(stream).await.0, "");
    }
}

#[tokio::test(start_paused = true)]
async fn half_a_head_holds_up_the_end_for_a_moment_only() {
    let server = server().await;
    let half = server.connect(b"POST /quick HTT").await;
    // It has been read when this has been answered.
    let other = server.connect_idle().await;
    let (cut_off, took) = server.stopped().await;
    assert_eq!(cut_off, 0);
    assert!(close_to(took, TIMES.linger), "{took:?}");
    assert_eq!((rest(half).await.0, rest(other).await.0), (String::new(), String::new()));
}

#[tokio::test(start_paused = true)]
async fn half_a_head_that_is_completed_in_time_is_still_answered() {
    let server = server().await;
    let mut half = server.connect(&REQUEST[..10]).await;
    server.connect_idle().await;
    server.stop.send(true).expect("it runs");
    sleep(TIMES.linger / 2).await;
    half.write_all(&REQUEST[10..]).await.expect("sent");
    let (answer, _) = rest(half).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("quick"), "{answer}");
    assert_eq!(server.running.await.expect("no panic"), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_is_answered_and_nothing_new_is_taken() {
    let mut server = server().await;
    let slow = server.connect(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.begun.recv().await.expect("it has begun");
    server.stop.send(true).expect("it runs");
    sleep(TIMES.drain / 2).await;
    assert!(!server.running.is_finished());
    assert!(TcpStream::connect(server.address).await.is_err());
    server.end.send(()).await.expect("it waits");
    let (answer, _) = rest(slow).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("slow"), "{answer}");
    assert_eq!(server.running.await.expect("no panic"), 0);
}

#[tokio::test(start_paused = true)]
async fn what_takes_too_long_is_cut_off() {
    let mut server = server().await;
    let slow = server.connect(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.begun.recv().await.expect("it has begun");
    let (cut_off, took) = server.stopped().await;
    assert_eq!(cut_off, 1);
    assert!(close_to(took, TIMES.drain), "{took:?}");
    assert_eq!(rest(slow).await.0, "");
}
