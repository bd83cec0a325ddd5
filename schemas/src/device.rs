//! Device ids that do not identify a device: values that runtimes, drivers and firmware give where there is no id, and ids that many devices
//! share. Counting by them would count many devices as one.

/// Texts that stand for "no value", in lower case.
const WORDS: &[&str] = &[
    // Android: `Build.UNKNOWN`, which `Build.SERIAL` is without the permission (developer.android.com, android.os.Build).
    "unknown",
    "android",
    // What JavaScript, Java, C#, Lua, Go, Python and Objective-C print for a value that is not there.
    "null",
    "(null)",
    "<null>",
    "undefined",
    "nil",
    "<nil>",
    "none",
    "nan",
    "[object object]",
    // Unity: `SystemInfo.unsupportedIdentifier` (docs.unity3d.com), and how people write "no value".
    "n/a",
    "na",
    "not available",
    "not applicable",
    "not specified",
    // Windows: the SMBIOS fields that makers of boards left as they came (WMI: Win32_BIOS, Win32_BaseBoard, Win32_ComputerSystemProduct).
    "default string",
    "default",
    "to be filled by o.e.m.",
    "to be filled by o.e.m",
    "o.e.m.",
    "oem",
    "system serial number",
    "system product name",
    "base board serial number",
    "chassis serial number",
    "serial number",
    "invalid",
    "empty",
    // What the fields of reporting libraries are called: an example that was never filled in.
    "device",
    "deviceid",
    "device_id",
    "device-id",
    "machine_id",
    "uuid",
    "imei",
];

/// Ids that many devices share, in lower case and without separators.
const SHARED: &[&str] = &[
    // MAC address that iOS 7 and Android 6 and later give every app (developer.android.com, "Access to hardware identifier").
    "020000000000",
    // `ANDROID_ID` of many devices with Android 2.2 and of its emulator (code.google.com/p/android, issue 10603).
    "9774d56d682e549c",
    // IMEI of Android's emulator is zeros; of devices that were flashed without one (samples of the 3GPP TS 23.003 test range).
    "004999010640000",
    "012345678912345",
    "123456789012345",
    "1234567890",
    "0123456789",
    "123456789",
    "0123456789abcdef",
    // SMBIOS UUIDs that whole series of boards have (fwupd, systemd: lists of UUIDs that are not unique).
    "03000200040005000006000700080009",
    "0304020d040005000006000700080009",
    // The UUIDs of RFC 4122's own examples.
    "f81d4fae7dec11d0a76500a0c91e6bf6",
    "6ba7b8109dad11d180b400c04fd430c8",
];

/// Longer texts are always ids.
const LONGEST: usize = 48;
/// A text of this many equal digits or more is not an id. Of zeros and of `f`, which unwritten memory holds, any number is enough.
const REPEATED: usize = 8;

/// Whether an id does not identify a device: it is empty, stands for "no value", or is shared by many devices. Case, blanks around the id and
/// separators between digits are ignored.
#[must_use]
pub fn is_placeholder(device_id: &str) -> bool {
    let id = device_id.trim();
    if id.len() > LONGEST || !id.is_ascii() {
        return false;
    }
    let mut lower = [0; LONGEST];
    let lower = &mut lower[..id.len()];
    lower.copy_from_slice(id.as_bytes());
    lower.make_ascii_lowercase();
    if WORDS.iter().any(|word| word.as_bytes() == lower) {
        return true;
    }
    let mut bare = [0; LONGEST];
    let mut length = 0;
    for byte in lower.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
        bare[length] = *byte;
        length += 1;
    }
    let bare = &bare[..length];
    is_repeated(bare) || SHARED.iter().any(|shared| shared.as_bytes() == bare)
}

/// Whether the text is empty or repeats one character.
fn is_repeated(bare: &[u8]) -> bool {
    let Some((first, rest)) = bare.split_first() else { return true };
    rest.iter().all(|byte| byte == first) && (*first == b'0' || bare.len() >= REPEATED || (*first == b'f' && bare.len() > 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_no_device_is_none() {
        for id in [
            "",
            "  ",
            "-",
            "?",
            "0",
            "unknown",
            "Unknown ",
            "UNKNOWN",
            "null",
            "(null)",
            "undefined",
            "None",
            "N/A",
            "n/a",
            "nil",
            "00000000-0000-0000-0000-000000000000",
            "{00000000-0000-0000-0000-000000000000}",
            "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
            "000000000000000",
            "111111111111111",
            "02:00:00:00:00:00",
            "02-00-00-00-00-00",
            "00:00:00:00:00:00",
            "ff:ff:ff:ff:ff:ff",
            "9774d56d682e549c",
            "9774D56D682E549C",
            "03000200-0400-0500-0006-000700080009",
            "To Be Filled By O.E.M.",
            "Default string",
            "[object Object]",
        ] {
            assert!(is_placeholder(id), "{id}");
        }
    }

    #[test]
    fn what_may_be_a_device_is_one() {
        for id in [
            "1",
            "d1",
            "a",
            "f",
            "dev-1",
            "设备",
            "未知",
            "victim-phone",
            "unknown-7",
            "0000000000000001",
            "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
            "02:00:00:00:00:01",
            "1111111",
            "nullable",
            "1234567891",
        ] {
            assert!(!is_placeholder(id), "{id}");
        }
        assert!(!is_placeholder(&"0".repeat(LONGEST + 1)));
    }
}
