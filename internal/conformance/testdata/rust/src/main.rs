//! The handlers of the conformance table in Rust, in one program: `_HANDLER`
//! names the row.

mod failures;
mod streams;
mod values;

use lambda_runtime::{Error, LambdaEvent, Runtime, run, run_concurrent, service_fn, spawn_graceful_shutdown_handler, tracing};
use serde_json::Value;
use std::time::Duration;

// One thread is enough for one invocation at a time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let row = std::env::var("_HANDLER")?;
    before(&row).await?;
    match row.as_str() {
        name if name.starts_with("web_") => streams::start(name).await,
        name if failures::starts(name) => failures::start(name).await,
        name if values::starts(name) => values::start(name).await,
        "with_runtime" => Runtime::new(service_fn(values::handle)).run().await,
        "meets" => run_concurrent(service_fn(handle)).await,
        _ => run(service_fn(handle)).await,
    }
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let row = &event.context.env_config.handler();
    if failures::has(row) {
        return failures::handle(event).await;
    }
    values::handle(event).await
}

/// What a function's configuration does not say.
trait Handler {
    fn handler(&self) -> String;
}

impl Handler for lambda_runtime::Config {
    fn handler(&self) -> String {
        std::env::var("_HANDLER").unwrap_or_default()
    }
}

/// What rows do before they start.
async fn before(row: &str) -> Result<(), Error> {
    match row {
        "prints_at_init" => println!("loading"),
        "exits_at_init" => std::process::exit(4),
        "panics_at_init" => panic!("at init"),
        "fails_at_init" => return Err("no database".into()),
        "never_starts" => std::process::exit(0),
        "starts_slowly" => tokio::time::sleep(Duration::from_millis(300)).await,
        "told_of_end" | "told_of_timeout" | "told_after_exit" => {
            spawn_graceful_shutdown_handler(|| async { println!("told") }).await;
        }
        "told_and_stays" => {
            spawn_graceful_shutdown_handler(|| async {
                println!("told: staying");
                tokio::time::sleep(Duration::from_secs(5)).await;
                println!("too late");
            })
            .await;
        }
        name if name.starts_with("traces") => tracing::init_default_subscriber(),
        _ => {}
    }
    Ok(())
}
