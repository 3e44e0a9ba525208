// The network in the page, on ONNX Runtime's WebAssembly. Windows of keypoints in pixels go in, joints
// in pixels come out, and windows fade into each other as they do in motionlift itself.

const WINDOWS_AT_ONCE = 16;

// What lies in an element as base64 of gzip.
async function unzipped(id) {
  const packed = new Blob([bytesOf(document.getElementById(id).textContent)]);
  const stream = packed.stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

class BrowserLifter {
  // The runtime comes from the page itself, so nothing is asked of any network.
  static async open() {
    const [script, wasmBinary, network] =
      await Promise.all(["runtime-script", "runtime-wasm", "network"].map(unzipped));
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    const ort = await import(url);
    ort.env.wasm.wasmBinary = wasmBinary;
    ort.env.wasm.numThreads = 1; // more would need a server that sends isolating headers
    return new BrowserLifter(ort, await ort.InferenceSession.create(network));
  }

  constructor(ort, session) {
    this.ort = ort;
    this.session = session;
  }

  // Joints in pixels, (frame, joint, 3), of the frames that the windows with these starts cover;
  // NaN where no window had an answer. A window has `length` frames, each so many `apart`; `weights`
  // are those of a frame and of its neighbours on both sides, as motionlift's `lifting.weave` says.
  async lift(keypoints, starts, { length, apart, weights }) {
    const joined = new Float32Array(NUM_FRAMES * NUM_JOINTS * 3);
    const total = new Float32Array(NUM_FRAMES);
    for (let first = 0; first < starts.length; first += WINDOWS_AT_ONCE) {
      const some = starts.slice(first, first + WINDOWS_AT_ONCE);
      const answers = await this.answer(keypoints, some, { length, apart });
      some.forEach((start, k) => blend(joined, total, answers, { start, k, length, apart }));
      // Lets the page draw.
      await new Promise((done) => setTimeout(done));
    }
    const size = NUM_JOINTS * 3;
    return woven(joined.map((value, at) => value / (total[Math.floor(at / size)] || NaN)), weights);
  }

  async answer(keypoints, starts, { length, apart }) {
    const size = NUM_JOINTS * 3;
    const data = new Float32Array(starts.length * length * size);
    starts.forEach((start, k) => {
      for (let frame = 0; frame < length; frame += 1) {
        const from = (start + frame * apart) * size;
        data.set(keypoints.subarray(from, from + size), (k * length + frame) * size);
      }
    });
    const tensor = new this.ort.Tensor("float32", data, [starts.length, length, NUM_JOINTS, 3]);
    const { joints } = await this.session.run({ keypoints: tensor });
    return joints.data;
  }
}

// Adds one window, which weighs most in its middle. One in which nobody is seen has NaN as its answer.
function blend(joined, total, answers, { start, k, length, apart }) {
  const size = NUM_JOINTS * 3;
  if (Number.isNaN(answers[k * length * size])) return;
  for (let frame = 0; frame < length; frame += 1) {
    const weight = Math.min(frame + 1, length - frame);
    const [to, from] = [(start + frame * apart) * size, (k * length + frame) * size];
    total[start + frame * apart] += weight;
    for (let at = 0; at < size; at += 1) joined[to + at] += weight * answers[from + at];
  }
}

// Each frame's mean with its neighbours; only such count as stand on both sides.
function woven(answers, [own, ...others]) {
  const size = NUM_JOINTS * 3;
  const isKnown = (frame) =>
    frame >= 0 && frame < NUM_FRAMES && !Number.isNaN(answers[frame * size]);
  const mean = answers.slice();
  for (let frame = 0; frame < NUM_FRAMES; frame += 1) {
    if (!isKnown(frame)) continue;
    const pairs = others
      .map((share, k) => ({ share, distance: k + 1 }))
      .filter(({ distance }) => isKnown(frame - distance) && isKnown(frame + distance));
    const weight = pairs.reduce((sum, { share }) => sum + 2 * share, own);
    if (weight <= own / 2) continue;
    for (let at = frame * size; at < (frame + 1) * size; at += 1) {
      let total = own * answers[at];
      for (const { share, distance } of pairs)
        total += share * (answers[at - distance * size] + answers[at + distance * size]);
      mean[at] = total / weight;
    }
  }
  return mean;
}
