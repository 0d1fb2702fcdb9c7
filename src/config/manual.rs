//! What is derived from the command line for whoever installs the program: the completions of a shell,
//! and the man page.

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::base::error::{EXIT_CODES, Error};
use crate::config::args::Args;

/// What is to be printed instead of a run, if the command line asks for it.
///
/// # Errors
/// [`Error::Bug`] where it is not text.
pub fn asked(args: &Args) -> Result<Option<String>, Error> {
    let bytes = match args.completions {
        Some(shell) => completions(shell),
        None if args.man => man().map_err(|error| Error::Bug(format!("the man page: {error}")))?,
        None => return Ok(None),
    };
    let text = String::from_utf8(bytes);
    text.map(Some).map_err(|error| Error::Bug(format!("what is derived from arguments: {error}")))
}

fn completions(shell: Shell) -> Vec<u8> {
    let mut command = Args::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    script
}

fn man() -> std::io::Result<Vec<u8>> {
    let page = Man::new(Args::command());
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    environment().to_writer(&mut text)?;
    exit_status().to_writer(&mut text)?;
    examples().to_writer(&mut text)?;
    page.render_version_section(&mut text)?;
    Ok(text)
}

fn environment() -> Roff {
    let mut section = Roff::new();
    section.control("SH", ["ENVIRONMENT"]);
    section.control("TP", []);
    section.text([bold("TAP_INCIDENT_<SETTING>")]);
    section.text([roman(
        "Any setting, in capitals, such as TAP_INCIDENT_API_KEY. Files win over the environment, and \
         flags over files. Of settings without a flag, the key among them, this and files are the only \
         ways.",
    )]);
    section
}

fn exit_status() -> Roff {
    let mut section = Roff::new();
    section.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in EXIT_CODES {
        section.control("TP", []);
        section.text([bold(code.to_string())]);
        section.text([roman(meaning)]);
    }
    section
}

fn examples() -> Roff {
    let mut section = Roff::new();
    section.control("SH", ["EXAMPLES"]);
    for (command, meaning) in [
        ("tap-incident --demo", "The sample workspace: no key, no account, no network."),
        ("tap-incident --config config.json --discover > catalog.json", "What can be read."),
        (
            "tap-incident --config config.json --catalog catalog.json --state state.json",
            "What changed since the run that left this state, for a target to read from a pipe.",
        ),
    ] {
        section.control("TP", []);
        section.text([bold(command)]);
        section.text([roman(meaning)]);
    }
    section
}
