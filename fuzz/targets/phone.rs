//! Phone numbers and other addresses: what is kept is E.164, lower case or marked, and stays what it is.
#![no_main]

use backstory::phone;
use backstory_fuzz::is_kept;
use libfuzzer_sys::fuzz_target;
use rlibphonenumber::Region;

const REGIONS: [Region; 6] = [Region::US, Region::PT, Region::GB, Region::IT, Region::DE, Region::BR];
/// What `phone` says is no address.
const ADDRESS_BYTES_MAX: usize = 320;

fuzz_target!(|data: &[u8]| {
    let Ok(given) = str::from_utf8(data) else { return };
    for region in REGIONS {
        let Some(kept) = phone::address(given, region) else { continue };
        assert!(kept.len() <= ADDRESS_BYTES_MAX, "{} bytes are kept of {}", kept.len(), given.len());
        is_kept(&kept, region);
        assert_eq!(phone::address(&format!(" {given}\t"), region).as_deref(), Some(&*kept), "spaces make another one");
        // What was read last is remembered: it must not answer for another region or text.
        assert_eq!(phone::address(given, region).as_deref(), Some(&*kept));
    }
    _ = phone::is_as_given(given);
});
