//! Streams. This client sends each behind the prelude of an HTTP answer.

use http::{HeaderValue, StatusCode};
use lambda_runtime::streaming::{Body, Response, channel};
use lambda_runtime::{Error, LambdaEvent, MetadataPrelude, StreamResponse, run, service_fn};
use serde_json::Value;
use std::time::Duration;

pub async fn start(_: &str) -> Result<(), Error> {
    run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Response<Body>, Error> {
    let row = std::env::var("_HANDLER")?;
    if row == "web_fails_before" || row == "web_fails_once" && event.payload["fail"] == true {
        return Err("before".into());
    }
    let (mut tx, rx) = channel();
    let mut response = Response::from(rx);
    if row == "web_with_prelude" {
        response = StreamResponse { metadata_prelude: prelude(), stream: response.stream };
    }
    tokio::spawn(async move {
        match row.as_str() {
            "web_parts" => {
                for part in ["one,", "two,", "three"] {
                    tx.send_data(part.into()).await?;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            "web_much" => {
                for _ in 0..1000 {
                    tx.send_data("s".repeat(1000).into()).await?;
                }
            }
            "web_bytes" => tx.send_data(vec![0u8, 0xff, 0xfe].into()).await?,
            "web_with_prelude" => tx.send_data("body".into()).await?,
            "web_aborts" => {
                tx.send_data("half".into()).await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
                tx.abort();
            }
            "web_panics" => {
                tx.send_data("half".into()).await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
                panic!("in the stream");
            }
            "web_exits" => {
                tx.send_data("half".into()).await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
                std::process::exit(7);
            }
            "web_times_out" => {
                tx.send_data("half".into()).await?;
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
            _ => {}
        }
        Ok::<(), Error>(())
    });
    Ok(response)
}

fn prelude() -> MetadataPrelude {
    let mut prelude = MetadataPrelude { status_code: StatusCode::CREATED, cookies: vec!["c=d".into()], ..Default::default() };
    prelude.headers.insert("x-a", HeaderValue::from_static("b"));
    prelude.headers.insert("content-type", HeaderValue::from_static("text/plain"));
    prelude
}
