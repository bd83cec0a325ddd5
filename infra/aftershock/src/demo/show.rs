//! Prints the trend and the top issues as tables of text.

use service::printable;
use std::fmt::Write;

/// One hour of the trend, all platforms together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hour {
    /// `yyyyMMddHH`
    pub hour: String,
    pub crashes: u64,
    pub devices: u64,
    pub connections: u64,
    pub connected: u64,
}

/// One of the top issues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    pub platform: i64,
    pub crashes: u64,
    pub devices: u64,
    pub versions: String,
    pub title: String,
}

const BAR: usize = 40;
const TITLE: usize = 72;

/// A row an hour, with a bar as long as the hour had crashes.
pub fn trend(hours: &[Hour]) -> String {
    let most = hours.iter().map(|hour| hour.crashes).max().unwrap_or(0).max(1);
    let mut text = String::from("hour              crashes  devices  starts  connected  rate\n");
    for hour in hours {
        let bar = "█".repeat((hour.crashes as usize * BAR).div_ceil(most as usize));
        let rate = if hour.connected == 0 { 0.0 } else { hour.devices as f64 * 100.0 / hour.connected as f64 };
        let label = label(&hour.hour);
        let Hour { crashes, devices, connections, connected, .. } = hour;
        let _ = writeln!(text, "{label}  {crashes:>7}  {devices:>7}  {connections:>6}  {connected:>9}  {rate:>4.0}%  {bar}");
    }
    let total: u64 = hours.iter().map(|hour| hour.crashes).sum();
    let _ = writeln!(text, "{:<16}  {total:>7}", "all hours");
    text
}

/// A row an issue, most frequent first.
pub fn issues(issues: &[Issue]) -> String {
    let mut text = String::from("     crashes  devices  platform  versions       issue\n");
    for (place, issue) in issues.iter().enumerate() {
        let platform = match issue.platform {
            1 => "Android",
            2 => "iOS",
            _ => "PC",
        };
        let title = cut(&printable::line(&issue.title.replace(['\n', '\r', '\t'], " ")), TITLE);
        let Issue { crashes, devices, versions, .. } = issue;
        let versions = printable::line(versions);
        let _ = writeln!(text, "{:>3}. {crashes:>7}  {devices:>7}  {platform:<8}  {versions:<13}  {title}", place + 1);
    }
    text
}

fn label(hour: &str) -> String {
    let hour = &*printable::line(hour);
    match (hour.get(0..4), hour.get(4..6), hour.get(6..8), hour.get(8..10)) {
        (Some(year), Some(month), Some(day), Some(hour)) => format!("{year}-{month}-{day} {hour}:00"),
        _ => format!("{hour:<16}"),
    }
}

/// Cuts to `width` columns of a terminal, where Chinese and the like take two.
fn cut(text: &str, width: usize) -> String {
    let mut columns = 0;
    let mut cut = String::new();
    for character in text.chars() {
        columns += if wide(character) { 2 } else { 1 };
        if columns > width {
            cut.push('…');
            break;
        }
        cut.push(character);
    }
    cut
}

fn wide(character: char) -> bool {
    matches!(u32::from(character), 0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFE30..=0xFE6F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x1F300..=0x1FAFF | 0x20000..=0x3FFFD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_measure_the_hours() {
        let hour = |name: &str, crashes| Hour { hour: name.into(), crashes, devices: 1, connections: 4, connected: 2 };
        let text = trend(&[hour("2026112200", 10), hour("2026112201", 0), hour("2026112202", 5)]);
        let bars: Vec<usize> = text.lines().map(|line| line.matches('█').count()).collect();
        assert_eq!(bars, [0, 40, 0, 20, 0]);
        assert!(text.contains("2026-11-22 01:00"), "{text}");
        assert!(text.ends_with("all hours              15\n"), "{text}");
        assert!(trend(&[]).contains("all hours"));
    }

    #[test]
    fn what_clients_sent_commands_no_terminal() {
        let hostile = "\u{1b}]0;PWNED\u{7}\u{1b}[2J\u{9b}2J\u{202e}";
        let issue = Issue { platform: 1, crashes: 3, devices: 2, versions: hostile.into(), title: hostile.into() };
        let shown = issues(&[issue]) + &trend(&[Hour { hour: hostile.into(), ..Hour::default() }]);
        let is_safe = |character: char| character == '\n' || !(character.is_control() || character == '\u{202e}');
        assert!(shown.chars().all(is_safe), "{shown:?}");
        assert_eq!(shown.matches(r"\u{1b}]0;PWNED").count(), 2, "{shown}");
    }

    #[test]
    fn titles_are_cut_at_characters_by_their_width() {
        assert_eq!(cut("登录失败", 8), "登录失败");
        assert_eq!(cut("登录失败", 7), "登录失…");
        assert_eq!(cut("abc", 2), "ab…");
        let issue = Issue { platform: 1, crashes: 3, devices: 2, versions: "2.4.0".into(), title: "多行\n标题".into() };
        assert!(issues(&[issue]).contains("Android   2.4.0          多行 标题"));
    }
}
