//! What is derived from the command line: completions and the man page.

use std::process::Command;

use clap::CommandFactory;
use tap_incident::base::error::EXIT_CODES;
use tap_incident::config::args::Args;

/// What the binary prints with these arguments, in an empty environment.
fn printed(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tap-incident"));
    let output = command.args(args).env_clear().output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), log.as_str()), (Some(0), ""));
    String::from_utf8(output.stdout).unwrap()
}

/// The long names of all flags.
fn flags() -> Vec<String> {
    let mut command = Args::command();
    // Which adds those that clap knows by itself.
    command.build();
    let names = command.get_arguments().filter_map(clap::Arg::get_long);
    let flags = names.map(str::to_owned).collect::<Vec<_>>();
    assert!(["demo", "help", "man", "state"].iter().all(|name| flags.iter().any(|f| f == name)));
    flags
}

/// Whether the text has this word, as a whole.
fn has(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && !"-_<>".contains(c)).any(|other| other == word)
}

#[test]
fn the_completions_of_every_shell_know_every_flag() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = printed(&["--completions", shell]);
        for flag in flags() {
            // fish names an option without its dashes.
            let flag = if shell == "fish" { flag } else { format!("--{flag}") };
            assert!(has(&script, &flag), "{shell}: {flag}");
        }
        assert!(script.contains("tap-incident"), "{shell}");
    }
}

#[test]
fn bash_completes_the_start_of_a_flag() {
    let script = printed(&["--completions", "bash"])
        + "\nfunction=$(complete -p tap-incident | sed 's/.* -F \\([^ ]*\\) .*/\\1/')
           COMP_WORDS=(tap-incident --disc) COMP_CWORD=1
           \"$function\" tap-incident --disc tap-incident
           echo \"${COMPREPLY[*]}\"";
    let output = Command::new("bash").args(["--norc", "-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "--discover\n");
}

#[test]
fn the_man_page_knows_every_flag_and_every_exit_code() {
    // A dash is escaped, lest it be taken for a hyphen; what is left of the marks for bold are spaces.
    let page = printed(&["--man"]).replace("\\-", "-").replace("\\fB", " ").replace("\\fR", " ");
    for flag in flags() {
        assert!(has(&page, &format!("--{flag}")), "{flag}");
    }
    let (_, codes) = page.split_once(".SH \"EXIT STATUS\"").unwrap();
    for (code, meaning) in EXIT_CODES {
        assert!(codes.contains(&format!(".TP\n {code} \n{meaning}\n")), "{code}");
    }
    assert!(has(&page, "TAP_INCIDENT_<SETTING>"));
    assert!(page.contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn completions_and_the_man_page_need_no_config() {
    for args in [["--completions", "zsh"], ["--source=actian", "--man"]] {
        assert!(!printed(&args).is_empty());
    }
}
