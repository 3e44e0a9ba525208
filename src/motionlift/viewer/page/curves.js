// Curves over time: joint angles, the path of a joint, and the error of a comparison. A curve is
// drawn once for each size of its panel, as the range of values in every column of pixels.

const ANGLES = {
  "Knee flexion": ["hip", "knee", "ankle"],
  "Elbow flexion": ["shoulder", "elbow", "wrist"],
};
const TO_TRUNK = { "Hip: thigh to trunk": ["hip", "knee"], "Shoulder: upper arm to trunk": ["shoulder", "elbow"] };

const subtract = (motion, a, b) => [motion[a] - motion[b], motion[a + 1] - motion[b + 1], motion[a + 2] - motion[b + 2]];
const degreesBetween = (u, v) => {
  const dot3 = u[0] * v[0] + u[1] * v[1] + u[2] * v[2];
  return (Math.acos(Math.max(-1, Math.min(1, dot3 / (Math.hypot(...u) * Math.hypot(...v))))) * 180) / Math.PI;
};

function eachFrame(value) {
  const values = new Float32Array(NUM_FRAMES);
  for (let frame = 0; frame < NUM_FRAMES; frame += 1) values[frame] = value(frame);
  return values;
}

// 0 is a straight limb.
function flexion(person, [above, at, below]) {
  const [a, b, c] = [joint(above), joint(at), joint(below)];
  return eachFrame((frame) => {
    const base = frame * NUM_JOINTS;
    const [i, j, k] = [(base + a) * 3, (base + b) * 3, (base + c) * 3];
    return degreesBetween(subtract(person.motion, j, i), subtract(person.motion, k, j));
  });
}

// 0 is a limb that hangs along the trunk.
function toTrunk(person, [upper, lower]) {
  const names = ["thorax", "pelvis", upper, lower].map(joint);
  return eachFrame((frame) => {
    const [t, p, u, l] = names.map((j) => (frame * NUM_JOINTS + j) * 3);
    return degreesBetween(subtract(person.motion, p, t), subtract(person.motion, l, u));
  });
}

function bothSides(make, names) {
  return (person) => ["left", "right"].map((side) => ({
    name: side, colour: side, values: make(person, names.map((name) => `${side}_${name}`)),
  }));
}

function path(j) {
  const axes = [["right", "right"], ["up", "reference"], ["towards camera", "left"]];
  return (person) => axes.map(([name, colour], axis) => ({
    name, colour, values: eachFrame((frame) => person.motion[(frame * NUM_JOINTS + j) * 3 + axis]),
  }));
}

function quantities() {
  const groups = { "Angles (degrees)": [], "Path from the pelvis": [] };
  for (const [name, joints] of Object.entries(ANGLES)) {
    groups["Angles (degrees)"].push({ name, unit: "°", fromZero: 60, curves: bothSides(flexion, joints) });
  }
  for (const [name, joints] of Object.entries(TO_TRUNK)) {
    groups["Angles (degrees)"].push({ name, unit: "°", fromZero: 60, curves: bothSides(toTrunk, joints) });
  }
  JOINTS.forEach((name, j) => {
    if (PARENTS[j] < 0) return;
    groups["Path from the pelvis"].push({ name: name.replace("_", " "), unit: PEOPLE[0].unit, curves: path(j) });
  });
  if (MOTION.comparison) {
    const { unit } = MOTION.comparison;
    const names = { error: "Mean joint error", error_by_frame: "The same, each frame aligned" };
    groups.Comparison = Object.entries(names).map(([key, name]) => {
      const values = unpack(MOTION.comparison[key]);
      return { name, unit, fromZero: 1e-6, curves: () => [{ name: "error", colour: "reference", values }] };
    });
  }
  return groups;
}

class Curves {
  constructor(canvas, { onChange, onSize, onSeek }) {
    this.size = [1, 1];
    this.drawn = null;
    this.context = watchSize(canvas, (width, height) => {
      this.size = [width, height];
      this.drawn = null;
      onSize();
    });
    this.onChange = onChange;
    const seek = (event) => onSeek(this.frameOf(event.offsetX));
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      seek(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.buttons) seek(event);
    });
  }

  show(quantity, person) {
    this.quantity = quantity;
    this.curves = quantity.curves(person);
    const ends = this.curves.flatMap(({ values }) => [percentile(values, 0.001), percentile(values, 0.999)]);
    // A joint that is missing throughout has none.
    const all = ends.filter(Number.isFinite);
    const [low, high] = all.length ? [Math.min(...all), Math.max(...all)] : [0, 1];
    const span = Math.max(high - low, 1e-6);
    this.range = [low - 0.08 * span, high + 0.08 * span];
    if (quantity.fromZero) this.range = [0, Math.max(high, quantity.fromZero) * 1.08];
    this.drawn = null;
    this.onChange();
  }

  x(frame) {
    return 40 + ((this.size[0] - 50) * frame) / Math.max(NUM_FRAMES - 1, 1);
  }

  frameOf(x) {
    const share = (x - 40) / Math.max(this.size[0] - 50, 1);
    return Math.max(0, Math.min(NUM_FRAMES - 1, Math.round(share * (NUM_FRAMES - 1))));
  }

  y(value) {
    const [low, high] = this.range;
    return this.size[1] - 8 - ((this.size[1] - 16) * (value - low)) / (high - low);
  }

  draw(frame) {
    const { context } = this;
    const [width, height] = this.size;
    if (!this.drawn) this.drawn = this.drawAll();
    context.clearRect(0, 0, width, height);
    context.drawImage(this.drawn, 0, 0, width, height);
    segment(context, [this.x(frame), 2], [this.x(frame), height - 2], { colour: COLOURS.ink, width: 1, alpha: 0.6 });
    for (const { values, colour } of this.curves) {
      if (!Number.isNaN(values[frame])) dot(context, [this.x(frame), this.y(values[frame])], 3, { colour: COLOURS[colour] });
    }
  }

  drawAll() {
    const ratio = window.devicePixelRatio || 1;
    const page = document.createElement("canvas");
    page.width = Math.max(1, this.size[0] * ratio);
    page.height = Math.max(1, this.size[1] * ratio);
    const context = page.getContext("2d");
    context.scale(ratio, ratio);
    this.drawScale(context);
    for (const { values, colour } of this.curves) this.drawCurve(context, values, COLOURS[colour]);
    return page;
  }

  drawScale(context) {
    const [low, high] = this.range;
    const rough = (high - low) / 3;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((k) => k * power).find((each) => each >= rough) ?? rough;
    context.fillStyle = COLOURS.quiet;
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (let value = Math.ceil(low / step) * step; value <= high; value += step) {
      const y = this.y(value);
      segment(context, [40, y], [this.size[0] - 10, y], { colour: COLOURS.line, width: 1 });
      context.fillText(String(Number(value.toPrecision(4))), 34, y);
    }
  }

  // From column to column the lowest and highest value, so that no peak is lost.
  drawCurve(context, values, colour) {
    context.strokeStyle = colour;
    context.lineWidth = 1.6;
    context.lineJoin = context.lineCap = "round";
    context.beginPath();
    const columns = Math.max(1, Math.floor(this.size[0] - 50));
    const perColumn = Math.max(1, NUM_FRAMES / columns);
    let isDown = false;
    for (let from = 0; from < NUM_FRAMES; from += perColumn) {
      const first = Math.floor(from);
      let [low, high] = [Infinity, -Infinity];
      for (let frame = first; frame < Math.min(NUM_FRAMES, from + perColumn); frame += 1) {
        if (values[frame] < low) low = values[frame];
        if (values[frame] > high) high = values[frame];
      }
      if (low > high) {
        isDown = false;
        continue;
      }
      if (isDown) context.lineTo(this.x(first), this.y(low));
      else {
        context.moveTo(this.x(first), this.y(low));
        context.lineTo(this.x(first) + 0.5, this.y(low)); // a frame without neighbours is a dot
      }
      if (high > low) context.lineTo(this.x(first), this.y(high));
      isDown = true;
    }
    context.stroke();
  }
}
