//! Errors, panics and ends.

use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};
use std::fmt;
use std::panic::panic_any;
use std::time::{Duration, Instant};

/// An error type of the function's own.
#[derive(Debug)]
struct OwnError(&'static str);

impl fmt::Display for OwnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for OwnError {}

/// An error with a cause.
#[derive(Debug)]
struct Outer(OwnError);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("outer")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// An error that says what Lambda is to call it.
#[derive(Debug)]
struct Refused(u8);

impl From<Refused> for Diagnostic {
    fn from(e: Refused) -> Diagnostic {
        Diagnostic { error_type: "Orders.Refused".into(), error_message: format!("refused with {}", e.0) }
    }
}

pub fn has(row: &str) -> bool {
    ["fails", "panics", "exits", "times_out", "kills", "not_told_of_timeout", "told_of_timeout", "told_after_exit"].iter().any(|p| row.starts_with(p))
        || ["killed", "terminated", "hung_up", "aborts", "overflows_stack"].contains(&row)
}

pub async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let row = std::env::var("_HANDLER")?;
    match row.as_str() {
        "fails" => Err("boom".into()),
        "fails_with_own_type" => Err(OwnError("own").into()),
        "fails_with_unicode" => Err("über 日本 😀".into()),
        "fails_with_lines" => Err("first\nsecond".into()),
        "fails_with_cause" => Err(Outer(OwnError("inner")).into()),
        "fails_with_long_message" => Err("m".repeat(100_000).into()),
        "fails_deep" => deep(),
        "fails_once" if event.payload["fail"] == json!(true) => Err("once".into()),
        "fails_after_output" => {
            println!("before");
            Err("after".into())
        }
        "fails_by_parsing" => Ok(json!("x".parse::<i32>()?)),
        "panics" => panic!("boom"),
        "panics_with_text" => panic!("boom {}", 1),
        "panics_with_value" => panic_any(7),
        "panics_at_unwrap" => Ok(json!("x".parse::<i32>().unwrap())),
        "panics_at_index" => Ok(json!([1, 2, 3].as_slice()[event.payload.as_u64().unwrap_or_default() as usize])),
        "panics_at_borrow" => {
            let cell = std::cell::RefCell::new(1);
            let _held = cell.borrow_mut();
            Ok(json!(*cell.borrow()))
        }
        "panics_once" if event.payload["fail"] == json!(true) => panic!("once"),
        "panics_in_task" => {
            let task = tokio::spawn(async { panic!("in a task") });
            task.await?;
            Ok(Value::Null)
        }
        "panics_in_thread" => {
            let thread = std::thread::spawn(|| panic!("in a thread"));
            Ok(json!(thread.join().is_err()))
        }
        "exits" => std::process::exit(0),
        "exits_with_3" | "told_after_exit" => std::process::exit(3),
        "exits_with_255" => std::process::exit(255),
        "exits_after_output" => {
            println!("last words");
            std::process::exit(5)
        }
        "exits_once" if event.payload["exit"] == json!(true) => std::process::exit(6),
        "exits_from_thread" => {
            std::thread::spawn(|| std::process::exit(7));
            sleep().await
        }
        "fails_once" | "exits_once" | "panics_once" => Ok(json!("fine")),
        "killed" => raise(libc::SIGKILL).await,
        "terminated" => raise(libc::SIGTERM).await,
        "hung_up" => raise(libc::SIGHUP).await,
        "aborts" => std::process::abort(),
        "overflows_stack" => Ok(json!(overflow(1))),
        "times_out_busy" => {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(5) {}
            Ok(Value::Null)
        }
        "times_out_blocking" => {
            std::thread::sleep(Duration::from_secs(5));
            Ok(Value::Null)
        }
        "times_out" | "told_of_timeout" | "not_told_of_timeout" => sleep().await,
        name => Err(format!("there is no handler for {name:?}").into()),
    }
}

async fn sleep() -> Result<Value, Error> {
    tokio::time::sleep(Duration::from_secs(5)).await;
    Ok(Value::Null)
}

fn deep() -> Result<Value, Error> {
    deeper()
}

fn deeper() -> Result<Value, Error> {
    deepest()
}

fn deepest() -> Result<Value, Error> {
    Err("deep down".into())
}

/// Sends the process the signal.
async fn raise(signal: i32) -> Result<Value, Error> {
    // SAFETY: kill takes two numbers and touches no memory.
    unsafe { libc::kill(libc::getpid(), signal) };
    sleep().await
}

#[allow(unconditional_recursion)]
fn overflow(n: u64) -> u64 {
    overflow(n + 1) + overflow(n + 2)
}

pub fn starts(row: &str) -> bool {
    row.starts_with("typed")
}

/// Rows whose errors have types of their own.
pub async fn start(row: &str) -> Result<(), Error> {
    match row {
        "typed_diagnostic" => run(service_fn(async |_: LambdaEvent<Value>| Err::<(), _>(Refused(7)))).await,
        "typed_text" => run(service_fn(async |_: LambdaEvent<Value>| Err::<(), _>(String::from("a text")))).await,
        "typed_slice" => run(service_fn(async |_: LambdaEvent<Value>| Err::<(), _>("a slice"))).await,
        "typed_io" => run(service_fn(async |_: LambdaEvent<Value>| std::fs::read_to_string("/no/such/file"))).await,
        name => Err(format!("there is no handler for {name:?}").into()),
    }
}
