//! Serving until told to stop, and then finishing what was accepted.

use std::{net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use splitter_axum::{
    Api, Config, ConsoleSender, DispatchMetrics, Dispatcher, DispatcherOptions, SystemWorld, TokenVerifier, World as _,
    webhook::{WebhookOptions, WebhookSender},
};
use splitter_core::Sender;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};
use tracing::{info, warn};

use crate::{
    backend::Backend,
    cli::{SenderKind, ServeOptions},
    failure::Failure,
    http::{self, Times},
    token,
};

/// How long a message that is being sent may take after the requests have ended.
const LAST_MESSAGE: Duration = Duration::from_secs(30);

pub(crate) async fn run(options: ServeOptions) -> Result<ExitCode, Failure> {
    let stop = StopSignal::new()?;
    let tokens = token::verifier(&options.keys)?;
    if tokens.is_none() {
        warn!("no key for tokens was given: only API keys are accepted, and nothing can be managed over HTTP");
    }
    let config = Config::default().with_key_prefix(&options.key_prefix);
    let config = config.map_err(|error| Failure::usage(error.to_string()))?;
    #[cfg(feature = "plant")]
    let backend = Backend::open_planted(&options.database.database_url, &options.tuning, options.plant).await?;
    #[cfg(not(feature = "plant"))]
    let backend = Backend::open(&options.database.database_url, &options.tuning).await?;
    let listener = TcpListener::bind(options.listen)
        .await
        .map_err(|error| Failure::usage(format!("can not listen on {}: {error}", options.listen)))?;
    info!(address = %listener.local_addr()?, "listening");
    let dispatcher = sender(&options)?.map(|sender| dispatcher(&backend, sender));
    let mut served = vec![(listener, app(&backend, tokens, config))];
    if let Some(address) = options.metrics_listen {
        served.push(metrics(address, dispatcher.as_ref().map(Dispatcher::metrics)).await?);
    }
    until_stopped(served, dispatcher, backend, stop).await;
    info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// The API and the health checks over an open database.
pub(crate) fn app(backend: &Backend, tokens: Option<TokenVerifier>, config: Config) -> Router {
    let mut api = Api::new(Arc::clone(&backend.store), Arc::clone(&backend.limiter)).config(config);
    if let Some(tokens) = tokens {
        api = api.tokens(tokens);
    }
    api.with_health().router()
}

fn sender(options: &ServeOptions) -> Result<Option<Arc<dyn Sender>>, Failure> {
    match options.sender {
        SenderKind::None => Ok(None),
        SenderKind::Console => Ok(Some(Arc::new(ConsoleSender::stdout()))),
        SenderKind::Webhook => {
            let webhook = WebhookOptions {
                allow_http: options.webhook_allow_http,
                allowed_networks: options.webhook_allow_network.clone(),
                ..WebhookOptions::default()
            };
            let sender = WebhookSender::new(webhook).map_err(|error| Failure::usage(error.to_string()))?;
            Ok(Some(Arc::new(sender)))
        }
    }
}

/// What sends the database's due calls and messages while the server runs.
pub(crate) fn dispatcher(backend: &Backend, sender: Arc<dyn Sender>) -> Dispatcher {
    let world = Arc::new(|| SystemWorld.env());
    Dispatcher::new(Arc::clone(&backend.dispatch), sender, world, DispatcherOptions::default())
}

/// `/metrics` has an address of its own, so that it need not be reachable from where the API is.
async fn metrics(
    address: SocketAddr,
    dispatch: Option<Arc<DispatchMetrics>>,
) -> Result<(TcpListener, Router), Failure> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| Failure::usage(format!("can not listen on {address}: {error}")))?;
    info!(address = %listener.local_addr()?, "serving metrics");
    let text = move || {
        let text = dispatch.as_ref().map(|metrics| metrics.counts().to_prometheus()).unwrap_or_default();
        async move { ([("content-type", "text/plain; version=0.0.4")], text) }
    };
    Ok((listener, Router::new().route("/metrics", get(text))))
}

/// Serves until SIGTERM or Ctrl-C; then takes no new connections, finishes what is under way, closes the database.
pub(crate) async fn until_stopped(
    served: Vec<(TcpListener, Router)>,
    dispatcher: Option<Dispatcher>,
    backend: Backend,
    stop: StopSignal,
) {
    let (stopping, stopped) = watch::channel(false);
    let mut dispatch_stopped = stopped.clone();
    let dispatching = dispatcher.map(|dispatcher| {
        tokio::spawn(dispatcher.run(async move {
            let _ = dispatch_stopped.wait_for(|stop| *stop).await;
        }))
    });
    let mut servers = JoinSet::new();
    for (listener, app) in served {
        servers.spawn(http::serve(listener, app, Times::default(), stopped.clone()));
    }
    stop.received().await;
    info!("stopping: finishing what is under way");
    let _ = stopping.send(true);
    let cut_off: usize = servers.join_all().await.into_iter().sum();
    if cut_off > 0 {
        warn!(connections = cut_off, "some requests were still under way and were cut off");
    }
    if let Some(task) = dispatching
        && tokio::time::timeout(LAST_MESSAGE, task).await.is_err()
    {
        warn!("a message was still being sent after {} s", LAST_MESSAGE.as_secs());
    }
    backend.close().await;
}

/// Listens for SIGTERM and Ctrl-C from the moment it is made: a signal that comes before anybody waits is not lost, and
/// does not end the process in the middle of something.
pub(crate) struct StopSignal {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 2],
}

impl StopSignal {
    pub(crate) fn new() -> Result<Self, Failure> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self { signals: [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?] })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    async fn received(self) {
        #[cfg(unix)]
        {
            let [mut interrupt, mut terminate] = self.signals;
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
