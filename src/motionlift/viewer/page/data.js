// What the page shows, unpacked once into typed arrays. Display space is y up, x to the right, z
// towards the viewer; `motion` is relative to the root, `root` is where that is.

const MOTION = JSON.parse(document.getElementById("motion").textContent);
const JOINTS = MOTION.joints;
const PARENTS = MOTION.parents;
const NUM_JOINTS = JOINTS.length;
const NUMBERS = MOTION.frame_numbers;
const NUM_FRAMES = NUMBERS.length;
const FPS = MOTION.fps ?? 30;
// Slow motion is played at another rate than it was filmed at.
const VIDEO_FPS = MOTION.video_fps ?? FPS;
const joint = (name) => JOINTS.indexOf(name);
const sideOf = (name) => (/^(left|right)_/.exec(name) ?? ["", "middle"])[1];
const SIDES = JOINTS.map(sideOf);

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k += 1) bytes[k] = text.charCodeAt(k);
  return bytes;
}

// Coordinates come as 16 bits over the span of each axis; the smallest number means missing.
function unpack(packed) {
  if (!packed) return null;
  const bytes = bytesOf(packed.data);
  if (packed.type === "u1") return bytes;
  const whole = new Int16Array(bytes.buffer);
  const values = new Float32Array(whole.length);
  const axes = packed.scale.length;
  for (let k = 0; k < whole.length; k += 1) {
    const axis = k % axes;
    values[k] = whole[k] === -32768 ? NaN : whole[k] * packed.scale[axis] + packed.offset[axis];
  }
  return values;
}

const PEOPLE = MOTION.people.map((packed) => ({
  ...packed,
  motion: unpack(packed.motion),
  root: unpack(packed.root),
  keypoints: unpack(packed.keypoints),
  confidence: unpack(packed.confidence),
}));

const secondsOf = (frame) => (NUMBERS[frame] - NUMBERS[0]) / FPS;

// The last frame that is not after that time.
function frameAt(seconds) {
  const wanted = NUMBERS[0] + seconds * FPS + 1e-6;
  let low = 0;
  let high = NUM_FRAMES - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (NUMBERS[middle] <= wanted) low = middle;
    else high = middle - 1;
  }
  return low;
}

function isSeen(person, frame) {
  return !Number.isNaN(person.motion[frame * NUM_JOINTS * 3]);
}

// The value below which a share of the numbers lies; missing numbers do not count.
function percentile(values, share) {
  const known = Float32Array.from(values).filter((value) => !Number.isNaN(value)).sort();
  return known.length ? known[Math.min(known.length - 1, Math.floor(share * known.length))] : NaN;
}

// At most 2000 frames spread over the recording: enough to find its extent.
function* someFrames() {
  const step = Math.max(1, Math.floor(NUM_FRAMES / 2000));
  for (let frame = 0; frame < NUM_FRAMES; frame += step) yield frame;
}
