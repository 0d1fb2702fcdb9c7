//! The tap itself as a process that reads a minimal API in this one: answers that were made beforehand,
//! so that nothing but the tap is measured.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::Anything;
use super::cost::{self, Cost};
use super::pages::Case;

/// Inflated bytes that one run reads.
const VOLUME: usize = 400 << 20;
const IDENTITY: &str = r#"{"identity":{"name":"bench","roles":["global_access"]}}"#;

/// A list behind an address on loopback.
pub(crate) struct Api {
    url: String,
    bytes: usize,
}

impl Api {
    /// Serves enough pages of the case.
    pub(crate) fn start(case: &Case) -> Anything<Self> {
        let count = VOLUME / case.body.len();
        let mut answers = vec![answer(IDENTITY)?];
        for number in 1..=count {
            let cursor = if number == count { String::new() } else { number.to_string() };
            answers.push(answer(&case.leading_to(&cursor))?);
        }
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let answers = Arc::new(answers);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answers = Arc::clone(&answers);
                // A connection ends when the tap ends it.
                std::thread::spawn(move || serve(&stream, &answers).unwrap_or_default());
            }
        });
        Ok(Self { url, bytes: count * case.body.len() })
    }

    /// What the tap takes to read the list, its start included.
    pub(crate) fn measure(&self, case: &Case) -> Anything<Cost> {
        let (mut reader, pipe) = cost::reader()?;
        let (cpu, wall) = (children_cpu()?, Instant::now());
        let output = Command::new(env!("CARGO_BIN_EXE_tap-incident"))
            .args(["--select", case.stream.name])
            .env("TAP_INCIDENT_API_KEY", "bench-key")
            .env("TAP_INCIDENT_ENDPOINT", &self.url)
            .stdout(pipe)
            .stderr(Stdio::piped())
            .output()?;
        let cost = Cost {
            bytes: self.bytes,
            cpu: children_cpu()?.saturating_sub(cpu),
            wall: wall.elapsed(),
        };
        reader.wait()?;
        if output.status.success() {
            return Ok(cost);
        }
        Err(format!("the tap failed: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

/// A 200 with a compressed body.
fn answer(body: &str) -> Anything<Vec<u8>> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(body.as_bytes())?;
    let gzip = gzip.finish()?;
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n\
         X-RateLimit-Limit: 9000000, 9000000;window=60, 9000000;window=60\r\n\
         Date: Fri, 20 Nov 2026 12:00:00 GMT\r\nContent-Length: {}\r\n\r\n",
        gzip.len()
    );
    Ok([head.into_bytes(), gzip].concat())
}

/// Answers the requests of one connection: those for the identity with the first answer, those for a
/// page with the one after the cursor's.
fn serve(stream: &TcpStream, answers: &[Vec<u8>]) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(request) = lines.next().transpose()? {
        while lines.next().transpose()?.is_some_and(|header| !header.is_empty()) {}
        let target = request.split(' ').nth(1).unwrap_or_default();
        let cursor = target.split_once("after=").and_then(|(_, cursor)| cursor.parse().ok());
        let number = if target.starts_with("/v1/identity") { 0 } else { 1 + cursor.unwrap_or(0) };
        let mut out = stream;
        out.write_all(answers.get(number).map_or(&[], Vec::as_slice))?;
    }
    Ok(())
}

/// CPU time of all processes that were waited for, in the kernel's hundredths of a second.
fn children_cpu() -> Anything<Duration> {
    let statistics = fs::read_to_string("/proc/self/stat")?;
    // The name, in parentheses, may have blanks; user and system time of children are 14th and 15th
    // after it.
    let (_, fields) = statistics.rsplit_once(')').ok_or("stat has no name")?;
    let ticks = fields.split_whitespace().skip(13).take(2).map(str::parse::<u64>);
    let ticks = ticks.sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(10 * ticks))
}
