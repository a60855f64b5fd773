// Pictures to upload: PNG files made by hand (PNG specification, sections 5 and 11), so that nothing has to be kept here.

import { crc32, deflateSync } from "node:zlib";

/** A PNG of one colour, `[red, green, blue]`. */
export function png(width, height, [red, green, blue]) {
  const row = Buffer.alloc(width * 3, Buffer.of(red, green, blue));
  return painted(width, height, () => row);
}

/** A PNG of hills in the evening, for pictures that people look at. */
export function landscape(width, height) {
  const hill = (x, at, high, wave) => height * at - high * Math.sin((x / width) * wave + at * 9);
  const colourAt = (x, y) => {
    if (Math.hypot(x - width * 0.7, y - height * 0.4) < height * 0.1) return [255, 236, 196];
    if (y > hill(x, 0.86, height * 0.05, 5)) return [46, 72, 66];
    if (y > hill(x, 0.72, height * 0.08, 7)) return [84, 112, 98];
    if (y > hill(x, 0.6, height * 0.1, 4)) return [150, 158, 136];
    const dusk = y / height;
    return [250 - 30 * dusk, 168 + 60 * dusk, 120 + 90 * dusk];
  };
  return painted(width, height, (y) => Buffer.from(Array.from({ length: width }, (_, x) => colourAt(x, y)).flat()));
}

/** A PNG, row by row. */
function painted(width, height, rowAt) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const unfiltered = Buffer.of(0);
  const rows = deflateSync(Buffer.concat(Array.from({ length: height }, (_, y) => [unfiltered, rowAt(y)]).flat()));
  const signature = Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", rows), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(type, data) {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length, 0);
  head.write(type, 4, "latin1");
  const end = Buffer.alloc(4);
  end.writeUInt32BE(sum(Buffer.concat([head.subarray(4), data])));
  return Buffer.concat([head, data, end]);
}

/** Older Node releases have no `crc32`. */
function sum(bytes) {
  if (crc32) return crc32(bytes);
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
