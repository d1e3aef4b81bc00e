//! Serving until told to stop, and then finishing what was accepted.

use std::{process::ExitCode, sync::Arc, time::Duration};

use axum::Router;
use splitter_axum::{Api, Config, TokenVerifier, health};
use splitter_core::Queries;
use tokio::net::TcpListener;
use tracing::{info, warn};

use crate::{backend::Backend, cli::ServeOptions, failure::Failure, token};

/// How long requests that are under way may take after the signal to stop.
const DRAIN: Duration = Duration::from_secs(30);

pub(crate) async fn run(options: ServeOptions) -> Result<ExitCode, Failure> {
    let tokens = token::verifier(&options.keys)?;
    if tokens.is_none() {
        warn!("no key for tokens was given: only API keys are accepted, and nothing can be managed over HTTP");
    }
    let config = Config::default().with_key_prefix(&options.key_prefix);
    let config = config.map_err(|error| Failure::usage(error.to_string()))?;
    let backend = Backend::open(&options.database.database_url).await?;
    let listener = TcpListener::bind(options.listen)
        .await
        .map_err(|error| Failure::usage(format!("can not listen on {}: {error}", options.listen)))?;
    info!(address = %listener.local_addr()?, "listening");
    until_stopped(listener, app(&backend, tokens, config), backend).await?;
    info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// The API and the health checks over an open database.
pub(crate) fn app(backend: &Backend, tokens: Option<TokenVerifier>, config: Config) -> Router {
    let mut api = Api::new(Arc::clone(&backend.store), Arc::clone(&backend.limiter)).config(config);
    if let Some(tokens) = tokens {
        api = api.tokens(tokens);
    }
    let api: Router = api.router();
    let store: Arc<dyn Queries> = backend.store.clone();
    api.merge(health(store))
}

/// Serves until SIGTERM or Ctrl-C; then takes no new connections, finishes what is under way, closes the database.
pub(crate) async fn until_stopped(listener: TcpListener, app: Router, backend: Backend) -> Result<(), Failure> {
    let (stopping, mut stopped) = tokio::sync::watch::channel(false);
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        stop_signal().await;
        info!("stopping: finishing what is under way");
        let _ = stopping.send(true);
    });
    let overdue = async move {
        // The channel also ends if the server fails.
        let _ = stopped.wait_for(|stop| *stop).await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        result = server.into_future() => result?,
        () = overdue => warn!("some requests were still under way after {} s", DRAIN.as_secs()),
    }
    backend.close().await;
    Ok(())
}

async fn stop_signal() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
