//! Values, output and what the context says.

use lambda_runtime::{Context, Error, LambdaEvent, run, service_fn, tracing};
use serde::{Deserialize, Serialize, Serializer, ser};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

/// How long an answer may be, in bytes.
const MAX_RESPONSE: usize = 6 * 1024 * 1024 + 100;

static COUNT: AtomicUsize = AtomicUsize::new(0);

pub async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (payload, context) = event.into_parts();
    let row = std::env::var("_HANDLER")?;
    Ok(match row.as_str() {
        name if name.starts_with("echo") => payload,
        "with_runtime" => payload,
        "returns_null" => Value::Null,
        "returns_true" => json!(true),
        "returns_integer" => json!(42),
        "returns_negative" => json!(-7),
        "returns_fraction" => json!(0.1),
        "returns_text" => json!("text"),
        "returns_empty_text" => json!(""),
        "returns_unicode" => json!("ü 日 😀\n"),
        "returns_empty_list" => json!([]),
        "returns_list" => json!([1, "two", null, true]),
        "returns_empty_object" => json!({}),
        "returns_nested" => json!({"a": {"b": {"c": [{"d": 1}]}}}),
        "returns_long" => json!("x".repeat(1_000_000)),
        "returns_largest" => json!("x".repeat(MAX_RESPONSE - 2)),
        "returns_too_much" => json!("x".repeat(MAX_RESPONSE - 1)),
        "counts" => json!(COUNT.fetch_add(1, Ordering::Relaxed) + 1),
        "returns_big_integer" => payload["n"].clone(),
        "sleeps" => {
            tokio::time::sleep(Duration::from_millis(50)).await;
            json!("slept")
        }
        "meets" => {
            let folder = std::path::PathBuf::from(std::env::var("MEET")?);
            std::fs::write(folder.join(&context.request_id), "")?;
            while std::fs::read_dir(&folder)?.count() < 2 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            json!(true)
        }
        "prints_at_init" => json!("loaded"),
        "starts_slowly" => json!("ready"),
        "told_of_end" | "told_and_stays" | "not_told_of_end" => json!("alive"),
        name if name.starts_with("prints") => {
            print(name).await?;
            Value::Null
        }
        name if name.starts_with("traces") => {
            tracing::info!(n = 1, "it is");
            tracing::debug!("unseen unless wanted");
            tracing::error!("it was");
            Value::Null
        }
        "runs_a_program" => {
            let out = std::process::Command::new("/bin/sh").args(["-c", "echo said; echo $AWS_LAMBDA_FUNCTION_NAME"]).output()?;
            json!(String::from_utf8(out.stdout)?)
        }
        "reads_input" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            json!(text)
        }
        name => of(name, &context)?,
    })
}

async fn print(row: &str) -> Result<(), Error> {
    match row {
        "prints" => println!("a line"),
        "prints_to_stderr" => eprintln!("an error line"),
        "prints_lines" => println!("one\ntwo\nthree"),
        "prints_unicode" => println!("grüß 日本 😀"),
        "prints_without_end" => {
            print!("open end");
            std::io::stdout().flush()?;
        }
        // What is left in the buffer goes with the process.
        "prints_unflushed" => print!("held back"),
        "prints_wide" => println!("{}", "w".repeat(100_000)),
        "prints_much" => {
            for i in 0..100u8 {
                println!("{}{}", "l".repeat(1000), char::from(b'a' + i % 26));
            }
        }
        "prints_in_turn" => {
            for i in 1..=2 {
                println!("out {i}");
                eprintln!("err {i}");
            }
        }
        "prints_before_timeout" => {
            println!("early");
            tokio::time::sleep(Duration::from_secs(5)).await;
            println!("never");
        }
        "prints_bytes" => std::io::stdout().write_all(b"raw \xff\xfe\n")?,
        "prints_debug" => {
            dbg!(1 + 1);
        }
        "prints_from_threads" => {
            let threads: Vec<_> = (0..3).map(|i| std::thread::spawn(move || println!("from {i}"))).collect();
            for t in threads {
                t.join().map_err(|_| "a thread has panicked")?;
            }
        }
        name => return Err(format!("there is no handler for {name:?}").into()),
    }
    Ok(())
}

/// What the context, or the environment, says.
fn of(row: &str, context: &Context) -> Result<Value, Error> {
    let config = &context.env_config;
    let client = context.client_context.as_ref();
    Ok(match row {
        "request_id" => json!(context.request_id),
        "function_name" => json!(config.function_name),
        "function_version" => json!(config.version),
        "memory_limit" => json!(config.memory),
        "log_group" => json!(config.log_group),
        "log_stream" => json!(config.log_stream),
        "arn" | "arn_with_qualifier" => json!(context.invoked_function_arn),
        "remaining_time" => {
            let left = context.deadline().duration_since(SystemTime::now())?;
            json!(left > Duration::from_secs(10) && left < Duration::from_secs(20))
        }
        "without_client_context" | "client_context_incomplete" => json!(client.map(|c| &c.custom)),
        "client_context_whole" => json!([client.map(|c| &c.client.app_title), client.map(|c| &c.custom["key"])]),
        "client_context_custom" => json!(client.map(|c| &c.custom["key"])),
        "cognito_identity" => json!(context.identity.as_ref().map(|i| [&i.identity_id, &i.identity_pool_id])),
        "trace_id" => json!(context.xray_trace_id),
        "trace_variable" => json!(std::env::var("_X_AMZN_TRACE_ID")?),
        "tenant_id" | "without_tenant_id" => json!(context.tenant_id),
        "variable" => json!(std::env::var("OWN")?),
        "working_folder" => json!(std::env::current_dir()?),
        "region" => json!(std::env::var("AWS_REGION")?),
        "arguments" => json!(std::env::args().count()),
        "program" => json!(std::env::current_exe()?),
        "variables" => {
            let mut names: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
            names.sort();
            json!(names)
        }
        "whole_context" => {
            let mut all = serde_json::to_value(context)?;
            all["deadline"] = Value::Null;
            all
        }
        name => return Err(format!("there is no handler for {name:?}").into()),
    })
}

#[derive(Deserialize)]
struct Order {
    n: i8,
}

/// Fields go out in the order in which they stand.
#[derive(Serialize)]
struct Ordered {
    z: i32,
    a: Option<i32>,
    #[serde(rename = "M")]
    m: f64,
}

/// A value that cannot be encoded.
struct Broken;

impl Serialize for Broken {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(ser::Error::custom("not today"))
    }
}

pub fn starts(row: &str) -> bool {
    row.starts_with("decodes") || row.starts_with("encodes")
}

/// Rows whose events and answers have types of their own.
pub async fn start(row: &str) -> Result<(), Error> {
    match row {
        "decodes_struct" => run(service_fn(async |e: LambdaEvent<Order>| Ok::<_, Error>(e.payload.n))).await,
        "decodes_nothing" => run(service_fn(async |e: LambdaEvent<()>| Ok::<_, Error>(e.payload))).await,
        "decodes_option" => run(service_fn(async |e: LambdaEvent<Option<Order>>| Ok::<_, Error>(e.payload.map(|o| o.n)))).await,
        "encodes_in_order" => run(service_fn(async |_: LambdaEvent<Value>| Ok::<_, Error>(Ordered { z: 1, a: None, m: f64::NAN }))).await,
        "encodes_nothing" => run(service_fn(async |_: LambdaEvent<Value>| Ok::<_, Error>(()))).await,
        "encodes_bytes" => run(service_fn(async |_: LambdaEvent<Value>| Ok::<_, Error>(vec![1u8, 2]))).await,
        "encodes_broken" => run(service_fn(async |_: LambdaEvent<Value>| Ok::<_, Error>(Broken))).await,
        "encodes_keys" => run(service_fn(async |_: LambdaEvent<Value>| Ok::<_, Error>(BTreeMap::from([(vec![1], 2)])))).await,
        name => Err(format!("there is no handler for {name:?}").into()),
    }
}
