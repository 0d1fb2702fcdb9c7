//! What a person at a terminal sees of a run, and that nobody else gets any of it.

use std::process::{Command, Output, Stdio};

use stand_in::{DEFAULT_KEY, StandIn};

use crate::support::stand_in;

fn tap(stand_in: &StandIn) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tap-incident"));
    command
        .args(["--select", "severities,users,incidents,schedule_entries"])
        .env_clear()
        .env("TAP_INCIDENT_API_KEY", DEFAULT_KEY)
        .env("TAP_INCIDENT_ENDPOINT", stand_in.url());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_owned()).unwrap()
}

#[test]
fn no_control_sequence_reaches_a_pipe() {
    let Output { stdout, stderr, .. } = tap(&stand_in()).output().unwrap();
    for output in [text(&stdout), text(&stderr)] {
        let is_control = |letter: char| letter.is_control() && letter != '\n';
        assert!(!output.contains(is_control), "{output:?}");
    }
    assert!(text(&stderr).contains("INFO METRIC: "));
}

#[cfg(target_os = "linux")]
mod with_terminal {
    use std::fs::{File, OpenOptions};
    use std::io::Read;
    use std::thread;

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{Winsize, tcsetwinsize};
    use stand_in::Options;

    use super::*;
    use crate::support::stand_in_with;

    /// What comes out of a terminal that is the stderr of a program, and maybe its stdout.
    fn shown(mut command: Command, is_stdout: bool) -> (String, Option<i32>) {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave = OpenOptions::new().read(true).write(true).open(name).unwrap();
        let size = Winsize { ws_row: 50, ws_col: 160, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&slave, size).unwrap();
        if is_stdout {
            command.stdout(slave.try_clone().unwrap());
        } else {
            command.stdout(Stdio::null());
        }
        let mut child = command.stderr(slave).env("TERM", "xterm").spawn().unwrap();
        // The command holds the terminal open, and its end is the end of what can be read.
        drop(command);
        let reader = thread::spawn(move || {
            let mut bytes = Vec::new();
            // Linux tells the end of a terminal as an error.
            let _ = File::from(master).read_to_end(&mut bytes);
            text(&bytes)
        });
        let code = child.wait().unwrap().code();
        (reader.join().unwrap(), code)
    }

    #[test]
    fn a_person_sees_the_run_its_lists_and_at_the_end_a_table() {
        let latency = std::time::Duration::from_millis(300);
        let stand_in = stand_in_with(Options { latency, ..Options::default() });
        let (screen, code) = shown(tap(&stand_in), false);
        assert_eq!(code, Some(0), "{screen}");
        for said in [
            "of 4 streams, ",
            " requests, ",
            "  schedule_entries                   ",
            "WARNING the key has grants of 1 teams",
            "stream                                     rows     pages   seconds",
            "incidents                          ",
            "INFO all is well; streams read 4 of 4",
        ] {
            assert!(screen.contains(said), "{said}: {screen}");
        }
        assert!(screen.contains('\u{1b}'), "lines are drawn again and again");
        assert!(!screen.contains("METRIC") && !screen.contains("INFO done"), "{screen}");
    }

    #[test]
    fn where_the_messages_go_to_the_same_terminal_nothing_is_drawn() {
        let (screen, _) = shown(tap(&stand_in()), true);
        assert!(screen.contains(r#"{"type":"RECORD","#));
        assert!(!screen.contains('\u{1b}') && !screen.contains("METRIC"), "{screen}");
        assert!(screen.contains("INFO all is well"), "{screen}");
    }

    #[test]
    fn who_asks_for_lines_gets_lines() {
        let stand_in = stand_in();
        for format in ["text", "json"] {
            let mut tap = tap(&stand_in);
            tap.args(["--log-format", format]);
            let (screen, _) = shown(tap, false);
            assert!(!screen.contains('\u{1b}') && screen.contains("METRIC"), "{screen}");
        }
    }
}
