//! Reads a picture that anyone may have made, and draws it anew. Pure, and slow: not for the threads that serve.

use crate::{Config, Error, Kind};
use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use std::io::Cursor;

/// A picture as it is kept.
pub struct Redrawn {
    pub kind: Kind,
    pub width: u32,
    pub height: u32,
    pub bytes: Bytes,
    /// The same for a list or a narrow column; JPEG.
    pub small: Bytes,
}

/// The longest side of a kept picture, and of its small one.
const LONGEST: u32 = 2560;
const SMALL: u32 = 480;
const QUALITY: u8 = 86;
const SMALL_QUALITY: u8 = 76;

/// What decoding may take beside the pixels themselves.
const ROOM_BYTES: u64 = 16 << 20;

/// Draws it anew: upright, at most [`LONGEST`] on a side, without anything but its pixels; of a moving picture, the first.
///
/// # Errors
/// A sentence for whoever sent it. Bounds are checked before memory is taken.
pub fn redraw(upload: &[u8], config: &Config) -> Result<Redrawn, Error> {
    let mut reader = ImageReader::new(Cursor::new(upload)).with_guessed_format().map_err(|_| Error::UnknownType)?;
    match reader.format() {
        Some(ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::Gif | ImageFormat::WebP) => {}
        _ => return Err(Error::UnknownType),
    }
    let mut limits = Limits::default();
    // Eight bytes a pixel: the widest that these formats hold.
    limits.max_alloc = Some(config.max_pixels.saturating_mul(8).saturating_add(ROOM_BYTES));
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|_| Error::Damaged)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > config.max_pixels {
        return Err(Error::TooManyPixels { width, height, most: config.max_pixels });
    }
    let orientation = decoder.orientation().ok();
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|_| Error::Damaged)?;
    // Smaller first: turning a small picture is cheap.
    picture = within(picture, LONGEST);
    if let Some(orientation) = orientation {
        picture.apply_orientation(orientation);
    }
    let small = within(picture.clone(), SMALL);
    let kind = if is_opaque(&picture) { Kind::Jpeg } else { Kind::Png };
    let bytes = match kind {
        Kind::Jpeg => jpeg(&picture, QUALITY)?,
        Kind::Png => {
            let mut bytes = Cursor::new(Vec::new());
            picture.to_rgba8().write_to(&mut bytes, ImageFormat::Png).map_err(|_| Error::Damaged)?;
            bytes.into_inner().into()
        }
    };
    let small = jpeg(&on_white(&small), SMALL_QUALITY)?;
    Ok(Redrawn { kind, width: picture.width(), height: picture.height(), bytes, small })
}

fn within(picture: DynamicImage, longest: u32) -> DynamicImage {
    if picture.width().max(picture.height()) <= longest {
        return picture;
    }
    picture.resize(longest, longest, FilterType::CatmullRom)
}

fn is_opaque(picture: &DynamicImage) -> bool {
    !picture.color().has_alpha() || picture.to_rgba8().pixels().all(|pixel| pixel.0[3] == u8::MAX)
}

/// JPEG has no transparency: what shows through is white.
fn on_white(picture: &DynamicImage) -> DynamicImage {
    if !picture.color().has_alpha() {
        return picture.clone();
    }
    let mut drawn = picture.to_rgba8();
    for pixel in drawn.pixels_mut() {
        let alpha = u32::from(pixel.0[3]);
        for value in &mut pixel.0[..3] {
            *value = ((u32::from(*value) * alpha + 255 * (255 - alpha)) / 255) as u8;
        }
        pixel.0[3] = u8::MAX;
    }
    drawn.into()
}

fn jpeg(picture: &DynamicImage, quality: u8) -> Result<Bytes, Error> {
    let mut bytes = Vec::new();
    let drawn = picture.to_rgb8();
    JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(&drawn).map_err(|_| Error::Damaged)?;
    Ok(bytes.into())
}

#[cfg(test)]
#[path = "redraw_tests.rs"]
mod tests;
