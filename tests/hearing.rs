//! `explain --say`: the call as a sound.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use crate::support::{DOWN, PAGE, Ran, Test, fed, mail};

const PEOPLE: &str = r#"
[contacts]
david  = { name = "David",  phone = "+64211110001", language = "de-DE", voice = "Polly.Vicki" }
darren = { name = "Darren", phone = "+64211110002" }

[groups.systems]
members = ["david", "darren"]
oncall = "david"
backup = ["darren"]
"#;

/// Explains, with programs found in `path` only, if it is given.
fn explain(test: &Test, arguments: &[&str], mail: &[u8], path: Option<&Path>) -> Ran {
    let path = path.map_or_else(|| std::env::var_os("PATH").unwrap(), |path| path.as_os_str().to_owned());
    fed(test.command().arg("explain").args(arguments).env("PATH", path).current_dir(test.path(".")), mail)
}

/// How long a sound of 16 bits and one channel is.
fn length(file: &Path) -> Duration {
    let sound = fs::read(file).unwrap();
    assert!(sound.starts_with(b"RIFF") && &sound[8..12] == b"WAVE", "no WAV");
    let rate = u32::from_le_bytes(sound[24..28].try_into().unwrap());
    assert!((8_000..=48_000).contains(&rate), "{rate}");
    Duration::from_millis((sound.len() as u64 - 44) / 2 * 1000 / u64::from(rate))
}

#[test]
fn a_call_can_be_heard_through_espeak() {
    if std::process::Command::new("espeak-ng").arg("--version").output().is_err() {
        eprintln!("espeak-ng is not installed: skipped");
        return;
    }
    let test = Test::new().rules(&format!("{PEOPLE}{PAGE}{DOWN}"));
    let file = test.path("short.wav");
    let page = explain(&test, &["--say", file.to_str().unwrap()], &mail("a", "x", "db1 is DOWN\n"), None).exit(0);
    page.says("short.wav: ").says(" s of what David would hear, in de-DE, by espeak-ng").says("Polly.Vicki").done();
    let short = length(&file);
    // "Alarm für David. Host D B 1 is down." and the keys: some forty words, none said in less than a fifth of a second.
    assert!((8.0..30.0).contains(&short.as_secs_f64()), "{short:?}");
    assert!(!test.path("short.wav.part").exists());

    let long = PAGE.to_owned() + &DOWN.replace("is down.", "is down. 1234567890 1234567890 1234567890.");
    let test = Test::new().rules(&format!("{PEOPLE}{long}"));
    let file = test.path("long.wav");
    explain(&test, &["--json", "--say", file.to_str().unwrap()], &mail("a", "x", "db1 is DOWN\n"), None).exit(0).json();
    // Thirty figures, one by one.
    let more = length(&file).as_secs_f64() - short.as_secs_f64();
    assert!((6.0..40.0).contains(&more), "{more}");
}

#[test]
fn the_words_are_the_readers_input_and_nothing_of_a_mail_is_an_argument() {
    let test = Test::new().rules(&format!("{PEOPLE}{PAGE}{}", DOWN.replace("is down.", "is down. {{ text }}")));
    let reader = test.path("bin/espeak-ng");
    fs::create_dir(test.path("bin")).unwrap();
    let script = "#!/bin/sh\nhere=$(/usr/bin/dirname \"$0\")\nprintf '%s\\n' \"$@\" > \"$here/arguments\"\n/bin/cat > \"$here/input\"\n\
                  for last in \"$@\"; do :; done\n/bin/cat \"$here/sound\" > \"$last\"\n";
    fs::write(&reader, script).unwrap();
    fs::set_permissions(&reader, fs::Permissions::from_mode(0o755)).unwrap();
    let mut sound = b"RIFF".to_vec();
    sound.resize(28, 0);
    sound.extend(1000_u32.to_le_bytes());
    sound.resize(44 + 12_000, 0);
    fs::write(test.path("bin/sound"), sound).unwrap();
    let mail = mail("a", "x", "db1 is DOWN\n$(touch owned) ; `touch owned` --help disk sda1 ORA-01653 is full");
    let file = test.path("-x $(touch owned).wav");
    explain(&test, &["--say", file.to_str().unwrap()], &mail, Some(&test.path("bin")))
        .exit(0)
        .says("12 s of what")
        .done();
    let arguments = fs::read_to_string(test.path("bin/arguments")).unwrap();
    assert!(arguments.contains("-v\nde-DE\n") && arguments.contains("-m\n"), "{arguments}");
    assert!(!arguments.contains("ORA") && !arguments.contains("disk"), "{arguments}");
    let input = fs::read_to_string(test.path("bin/input")).unwrap();
    assert!(input.starts_with("<speak><p>Alarm für David. Host "), "{input}");
    let code = "<say-as interpret-as=\"characters\">ORA</say-as>, <say-as interpret-as=\"characters\">01653</say-as>";
    assert!(input.contains(code) && input.contains("<break time=\"400ms\"/>"), "{input}");
    assert!(input.matches("Alarm für David").count() == 1 && input.contains("Drücken Sie die 1"), "{input}");
    assert!(file.exists() && !test.path("owned").exists());
}

#[test]
fn without_espeak_the_package_is_named_and_where_nobody_is_called_nothing_is_written() {
    let test = Test::new().rules(&format!("{PEOPLE}{PAGE}{DOWN}"));
    fs::create_dir(test.path("bin")).unwrap();
    let file = test.path("a.wav");
    let ran =
        explain(&test, &["--say", file.to_str().unwrap()], &mail("a", "x", "db1 is DOWN\n"), Some(&test.path("bin")));
    // The explanation itself is there.
    ran.exit(1)
        .says("Host D B 1 is down.")
        .says("`espeak-ng` is not installed")
        .says("apt-get install espeak-ng")
        .done();
    let ran = explain(&test, &["--say", file.to_str().unwrap()], &mail("b", "x", "all is well\n"), None);
    ran.exit(1).says("nobody would be called or texted").done();
    assert!(!file.exists());
}
