//! Connections: what they may take their time for, and how they end.

#[cfg(test)]
mod tests;

use std::{
    convert::Infallible,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, body::Body, extract::Request, response::Response, serve::Listener};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    task::JoinSet,
    time::timeout,
};

/// How long connections may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// For a request line and its headers, from the moment they may be sent: an idle connection is kept as long.
    pub(crate) head: Duration,
    /// After the server is told to stop, for a request that is half-sent and for the last bytes of an answer that its client is
    /// slow to fetch. Idle connections are closed at once.
    pub(crate) linger: Duration,
    /// After the server is told to stop, for requests that are under way.
    pub(crate) drain: Duration,
}

impl Default for Times {
    /// 30 seconds, 5 seconds, 30 seconds.
    fn default() -> Self {
        Self { head: Duration::from_secs(30), linger: Duration::from_secs(5), drain: Duration::from_secs(30) }
    }
}

/// Serves until `stop` says so (or nobody is left to say it), then takes no new connections and finishes what is under way.
/// Returns how many connections had to be cut off.
pub(crate) async fn serve(
    mut listener: impl Listener,
    app: Router,
    times: Times,
    mut stop: watch::Receiver<bool>,
) -> usize {
    let mut connections = JoinSet::new();
    let stopped = stop.clone();
    let mut stopping = pin!(stop.wait_for(|stop| *stop));
    loop {
        tokio::select! {
            _ = &mut stopping => break,
            (io, _) = listener.accept() => {
                connections.spawn(connection(io, app.clone(), times, stopped.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    let finished = timeout(times.drain, async { while connections.join_next().await.is_some() {} }).await;
    if finished.is_ok() { 0 } else { connections.len() }
}

async fn connection<I>(io: I, app: Router, times: Times, mut stop: watch::Receiver<bool>)
where
    I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let under_way = Arc::new(AtomicUsize::new(0));
    let app = TowerToHyperService::new(app);
    let service = service_fn(|request: Request<Incoming>| {
        let guard = UnderWay::begin(&under_way);
        let answering = app.call(request);
        async move {
            let response: Response = answering.await?;
            Ok::<_, Infallible>(response.map(|body| Answered { body, _guard: guard }))
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(times.head);
    let mut serving = pin!(builder.serve_connection(TokioIo::new(io), service));
    // How a connection fails is its client's affair; what failed in a request has been logged.
    tokio::select! {
        _ = serving.as_mut() => return,
        _ = stop.wait_for(|stop| *stop) => {}
    }
    serving.as_mut().graceful_shutdown();
    if timeout(times.linger, serving.as_mut()).await.is_err() && under_way.load(Ordering::Relaxed) > 0 {
        let _ = serving.await;
    }
}

/// A request is under way from the end of its head to the end of its answer.
struct UnderWay(Arc<AtomicUsize>);

impl UnderWay {
    fn begin(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of an answer that is under way.
struct Answered {
    body: Body,
    _guard: UnderWay,
}

impl HttpBody for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
