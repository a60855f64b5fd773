// A picture on its way: made smaller where it is large, so that a phone on a slow network sends little, and uploaded with
// progress. What the server says of it is what the message says.

/** Longest side and size from which on a picture is made smaller. */
const LONGEST = 1920;
const SMALL_BYTES = 400 * 1024;
const QUALITY = 0.85;
/** Without any progress for so long, it is lost. */
const STALLED_MS = 60000;

/** Types that browsers choose from; what it really is, the server looks at. */
export const PICTURE_TYPES = "image/jpeg,image/png,image/gif,image/webp";

export function uploadPicture(address, file, progressed) {
  return smaller(file).then((blob) => send(address, blob, progressed));
}

/** The picture as it is where making it smaller is not needed, not possible or of no use. */
function smaller(file) {
  if (file.size <= SMALL_BYTES || file.type === "image/gif" || !document.createElement("canvas").toBlob) {
    return Promise.resolve(file);
  }
  return draw(file).then((canvas) => new Promise((resolve) => {
    canvas.toBlob((blob) => resolve(blob && blob.size < file.size ? blob : file), "image/jpeg", QUALITY);
  })).catch(() => file);
}

function draw(file) {
  return new Promise((resolve, reject) => {
    const url = URL.createObjectURL(file);
    const picture = new Image();
    const over = () => URL.revokeObjectURL(url);
    picture.onload = () => {
      const scale = Math.min(1, LONGEST / Math.max(picture.naturalWidth, picture.naturalHeight));
      const canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.round(picture.naturalWidth * scale));
      canvas.height = Math.max(1, Math.round(picture.naturalHeight * scale));
      const context = canvas.getContext("2d");
      // What is transparent would turn black in a JPEG.
      context.fillStyle = "#fff";
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.drawImage(picture, 0, 0, canvas.width, canvas.height);
      over();
      resolve(canvas);
    };
    picture.onerror = () => {
      over();
      reject(new Error("no picture"));
    };
    picture.src = url;
  });
}

function send(address, blob, progressed) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.setRequestHeader("content-type", /^image\//.test(blob.type) ? blob.type : "image/jpeg");
    let stalled = null;
    const alive = () => {
      clearTimeout(stalled);
      stalled = setTimeout(() => request.abort(), STALLED_MS);
    };
    request.upload.onprogress = (event) => {
      alive();
      if (event.lengthComputable) progressed(event.loaded / event.total);
    };
    request.onload = () => {
      clearTimeout(stalled);
      const answer = parse(request.responseText);
      if (answer.ok && answer.message) resolve(answer.message);
      else reject(answer.error || { code: request.status === 413 ? "too_large" : "internal", message: "" });
    };
    request.onerror = request.onabort = () => {
      clearTimeout(stalled);
      reject({ code: "lost", message: "" });
    };
    alive();
    request.send(blob);
  });
}

function parse(text) {
  try {
    return JSON.parse(text) || {};
  } catch (notJson) {
    return {};
  }
}
