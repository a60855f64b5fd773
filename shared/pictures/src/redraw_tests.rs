//! Pictures of every kind, upright and turned, and what only looks like one.

use super::*;
use image::{Rgb, RgbImage, Rgba, RgbaImage};

fn config() -> Config {
    Config { dir: "".into(), max_bytes: 1 << 20, max_pixels: 1_000_000, at_once: 1 }
}

/// Red to the left, blue to the right.
fn two_halves() -> RgbImage {
    RgbImage::from_fn(64, 32, |x, _| if x < 32 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) })
}

fn coded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A JPEG with an Exif segment: the orientation, and a place that nobody shall see.
fn photo(orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.push(orientation);
    exif.extend_from_slice(b"\0\0\0\0\0\0GPS: 31.2304 N 121.4737 E");
    let plain = coded(&two_halves().into(), ImageFormat::Jpeg);
    let mut photo = plain[..2].to_vec();
    photo.extend_from_slice(&[0xff, 0xe1]);
    photo.extend_from_slice(&u16::try_from(exif.len() + 2).unwrap().to_be_bytes());
    photo.extend_from_slice(&exif);
    photo.extend_from_slice(&plain[2..]);
    photo
}

fn drawn(bytes: &[u8]) -> RgbImage {
    image::load_from_memory(bytes).unwrap().to_rgb8()
}

fn is_red(pixel: &Rgb<u8>) -> bool {
    pixel.0[0] > 200 && pixel.0[2] < 60
}

#[test]
fn every_kind_is_read_and_kept_as_one_that_every_browser_shows() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP] {
        let kept = redraw(&coded(&two_halves().into(), format), &config()).unwrap();
        assert_eq!((kept.kind, kept.width, kept.height), (Kind::Jpeg, 64, 32), "{format:?}");
        assert!(is_red(drawn(&kept.bytes).get_pixel(4, 16)) && !is_red(drawn(&kept.bytes).get_pixel(60, 16)));
    }
}

#[test]
fn a_photo_stands_upright_and_does_not_say_where_it_was_taken() {
    let kept = redraw(&photo(6), &config()).unwrap();
    assert_eq!((kept.width, kept.height), (32, 64));
    // Turned to the right, what was left is on top.
    assert!(is_red(drawn(&kept.bytes).get_pixel(16, 4)) && !is_red(drawn(&kept.bytes).get_pixel(16, 60)));
    for bytes in [&kept.bytes, &kept.small] {
        assert!(!bytes.windows(3).any(|part| part == b"GPS") && !bytes.windows(4).any(|part| part == b"Exif"));
    }
    let upright = redraw(&photo(1), &config()).unwrap();
    assert_eq!((upright.width, upright.height), (64, 32));
}

#[test]
fn what_is_transparent_stays_so_and_is_white_where_it_is_small() {
    let clear = RgbaImage::from_fn(20, 20, |x, _| Rgba([0, 0, 0, if x < 10 { 0 } else { 255 }]));
    let kept = redraw(&coded(&clear.into(), ImageFormat::Png), &config()).unwrap();
    assert_eq!(kept.kind, Kind::Png);
    assert_eq!(image::load_from_memory(&kept.bytes).unwrap().to_rgba8().get_pixel(2, 2).0[3], 0);
    assert!(drawn(&kept.small).get_pixel(2, 2).0[0] > 240);
}

#[test]
fn a_large_picture_is_made_smaller_and_one_with_too_many_pixels_is_refused_unread() {
    let wide = DynamicImage::new_rgb8(5_000, 100);
    let kept = redraw(&coded(&wide, ImageFormat::Png), &config()).unwrap();
    assert_eq!((kept.width, kept.height), (2560, 51));
    assert_eq!(drawn(&kept.small).width(), 480);
    let bomb = coded(&DynamicImage::new_luma8(20_000, 20_000), ImageFormat::Png);
    let refused = redraw(&bomb, &config()).err().unwrap();
    assert!(matches!(refused, Error::TooManyPixels { width: 20_000, height: 20_000, most: 1_000_000 }));
}

#[test]
fn what_is_no_picture_is_refused_and_so_is_one_that_was_cut_off() {
    for no_picture in [&b""[..], b"<svg onload=alert(1)>", b"<html><script>", b"%PDF-1.7", b"BM\0\0\0\0", b"RIFF"] {
        assert!(matches!(redraw(no_picture, &config()), Err(Error::UnknownType)), "{no_picture:?}");
    }
    for format in [ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP] {
        let whole = coded(&two_halves().into(), format);
        for end in [12, 20, whole.len() / 2] {
            assert!(redraw(&whole[..end], &config()).is_err(), "{format:?} cut at {end}");
        }
    }
}

#[test]
fn a_page_hidden_behind_a_picture_does_not_survive() {
    let mut both = coded(&two_halves().into(), ImageFormat::Jpeg);
    both.extend_from_slice(b"<script>alert(document.cookie)</script>");
    let kept = redraw(&both, &config()).unwrap();
    assert!(!kept.bytes.windows(7).any(|part| part == b"<script"));
}
