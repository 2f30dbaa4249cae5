//! The generator against its own servers, as processes.

use std::fmt::Debug;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::time::Duration;

struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(command: &str, more: &[&str]) -> Self {
        let free = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let process = program()
            .args([command, "--listen", &address])
            .args(more)
            .spawn()
            .unwrap();
        let server = Self { process, address };
        server.wait_for_an_answer();
        server
    }

    fn wait_for_an_answer(&self) {
        let probe = UdpSocket::bind("127.0.0.1:0").unwrap();
        probe.connect(&self.address).unwrap();
        probe
            .set_read_timeout(Some(Duration::from_millis(20)))
            .unwrap();
        let query = b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x05ready\x07example\0\0\x01\0\x01";
        for _ in 0..500 {
            // A port nobody listens at refuses at once, on either call.
            let _ = probe.send(query);
            if probe.recv(&mut [0; 512]).is_ok() {
                return;
            }
            std::thread::yield_now();
        }
        panic!("the server does not answer");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_dns-load"))
}

fn questions(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn ask(server: &Server, questions: &Path, words: &str) -> (bool, String) {
    let output = program()
        .args(["ask", "--server", &server.address, "--questions"])
        .arg(questions)
        .args(words.split_whitespace())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

fn figure<T: FromStr>(report: &str, name: &str) -> T
where
    T::Err: Debug,
{
    let (_, rest) = report.split_once(&format!("\"{name}\": ")).unwrap();
    let end = rest.find([',', '}']).unwrap();
    rest[..end].parse().unwrap()
}

fn count(report: &str, name: &str) -> u64 {
    figure(report, name)
}

#[test]
fn a_closed_loop_hears_every_answer() {
    let server = Server::start("upstream", &[]);
    let file = questions(
        "closed",
        "a.example A a=192.0.2.1\nb.example AAAA rcode=0\n",
    );
    let (ended, report) = ask(
        &server,
        &file,
        "--mode closed --seconds 0.3 --strict-check --warm",
    );
    assert!(ended, "{report}");
    assert!(count(&report, "sent") > 100, "{report}");
    assert_eq!(count(&report, "sent"), count(&report, "answered"));
    assert_eq!(count(&report, "lost") + count(&report, "wrong"), 0);
}

#[test]
fn an_open_loop_keeps_its_rate_and_tells_the_delay() {
    let server = Server::start("upstream", &["--delay-ms", "30"]);
    let file = questions("open", "a.example A a=192.0.2.1\n");
    let words =
        "--mode open --rate 500 --seconds 0.4 --unique-prefix --sources 127.1.0.1,127.9.0.1";
    let (ended, report) = ask(&server, &file, words);
    assert!(ended, "{report}");
    assert!(count(&report, "sent").abs_diff(200) < 10, "{report}");
    assert_eq!(count(&report, "sent"), count(&report, "answered"));
    assert!(
        figure::<f64>(&report, "latency_p50_us") >= 30_000.0,
        "{report}"
    );
}

#[test]
fn a_signal_ends_the_asking_and_the_report_tells_what_was() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let file = questions("stopped", "a.example A any\n");
    let process = program()
        .args(["ask", "--server", &server.local_addr().unwrap().to_string()])
        .arg("--questions")
        .arg(&file)
        .args(["--mode", "open", "--rate", "1000", "--seconds", "100"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut buffer = [0; 512];
    for _ in 0..100 {
        let (bytes, client) = server.recv_from(&mut buffer).unwrap();
        buffer[2] |= 0x80;
        server.send_to(&buffer[..bytes], client).unwrap();
    }
    // SAFETY: no pointers are passed, and the process is ours and not yet waited for.
    unsafe { libc::kill(process.id() as libc::pid_t, libc::SIGINT) };
    let report = String::from_utf8(process.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(count(&report, "answered"), 100, "{report}");
    // What was asked between the last answer and the signal is told too.
    assert_eq!(
        count(&report, "sent"),
        100 + count(&report, "lost"),
        "{report}"
    );
    assert!(figure::<f64>(&report, "seconds") < 50.0, "{report}");
}

#[test]
fn what_the_server_drops_is_lost() {
    let server = Server::start("upstream", &["--drop-share", "0.5"]);
    let file = questions("lossy", "a.example A a=192.0.2.1\n");
    let words = "--mode open --rate 1000 --seconds 0.4 --timeout-ms 100";
    let (ended, report) = ask(&server, &file, words);
    assert!(ended, "{report}");
    assert_eq!(
        count(&report, "sent"),
        count(&report, "answered") + count(&report, "lost")
    );
    assert!(count(&report, "lost").abs_diff(200) < 80, "{report}");
}

#[test]
fn wrong_answers_are_counted_and_stop_a_strict_check() {
    let server = Server::start("upstream", &[]);
    let file = questions(
        "wrong",
        "a.example A a=192.0.2.1\nb.example A a=192.0.2.80\n",
    );
    let (ended, report) = ask(&server, &file, "--mode closed --seconds 0.1");
    assert!(ended && count(&report, "wrong") > 0, "{report}");
    let (ended, report) = ask(&server, &file, "--mode closed --seconds 0.1 --strict-check");
    assert!(!ended && report.contains("b.example. TYPE1"), "{report}");
}

#[test]
fn an_echo_is_an_answer_of_no_content() {
    let server = Server::start("echo", &[]);
    let file = questions("echo", "a.example A a=192.0.2.1\n");
    let (ended, report) = ask(
        &server,
        &file,
        "--mode closed --seconds 0.2 --expect any --edns no",
    );
    assert!(ended, "{report}");
    assert!(count(&report, "answered") > 100, "{report}");
    assert_eq!(count(&report, "wrong"), 0);
    let (_, report) = ask(&server, &file, "--mode closed --seconds 0.1");
    assert_eq!(count(&report, "answered"), 0);
}
