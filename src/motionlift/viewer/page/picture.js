// The keypoints as the detector gave them, over the video where there is one, and behind them in
// grey where the lifted joints come to lie in the picture. Shows the whole picture, or a part of it
// that follows the first person.

class Picture {
  constructor(canvas, video, { onChange, onSize }) {
    this.video = video;
    this.size = [1, 1];
    this.context = watchSize(canvas, (width, height) => {
      this.size = [width, height];
      onSize();
    });
    this.onChange = onChange;
    this.show(PEOPLE);
    this.whole = Boolean(video) || this.people.length > 1;
  }

  show(people) {
    this.people = people.filter((person) => person.keypoints);
    this.extent = [0, 1].map((axis) => 1.05 * Math.max(1, ...this.people.map(({ keypoints }) =>
      percentile(keypoints.filter((_, k) => k % 2 === axis), 0.999))));
    if (!this.people.length) return;
    const boxes = Array.from({ length: NUM_FRAMES }, (_, frame) => boxOf(this.people[0], frame));
    const sides = boxes.map((box) => (box ? Math.max(box[2] - box[0], box[3] - box[1]) : NaN));
    this.reach = (1.45 * percentile(sides, 0.95)) / 2 || 1;
    this.centers = smoothCenters(boxes);
    this.onChange();
  }

  // The picture's size as the file or the video tells it, else as far as there are keypoints.
  pictureSize() {
    if (MOTION.image_size) return MOTION.image_size;
    if (this.video?.videoWidth) return [this.video.videoWidth, this.video.videoHeight];
    return this.extent;
  }

  toggle() {
    this.whole = !this.whole;
    this.onChange();
  }

  boxAt(frame) {
    if (this.whole || !this.people.length) return [0, 0, ...this.pictureSize()];
    const [x, y] = this.centers[frame];
    return [x - this.reach, y - this.reach, x + this.reach, y + this.reach];
  }

  draw(frame) {
    const { context } = this;
    const [width, height] = this.size;
    if (!this.people.length && !this.video) return;
    const box = this.boxAt(frame);
    this.scale = Math.min(width / (box[2] - box[0]), height / (box[3] - box[1]));
    this.shift = [
      width / 2 - (this.scale * (box[0] + box[2])) / 2,
      height / 2 - (this.scale * (box[1] + box[3])) / 2,
    ];
    context.clearRect(0, 0, width, height);
    context.lineCap = "round";
    this.drawVideo();
    this.drawBorder();
    for (const person of this.people) {
      if (person.root && person.unit === "px") this.drawLifted(person, frame);
      this.drawKeypoints(person, frame);
    }
  }

  toCanvas(x, y) {
    return [this.shift[0] + this.scale * x, this.shift[1] + this.scale * y];
  }

  drawVideo() {
    if (!this.video || this.video.readyState < 2) return;
    const [width, height] = this.pictureSize();
    const [x, y] = this.toCanvas(0, 0);
    this.context.globalAlpha = 0.85;
    this.context.drawImage(this.video, x, y, width * this.scale, height * this.scale);
    this.context.globalAlpha = 1;
  }

  drawBorder() {
    if (!MOTION.image_size) return;
    const [width, height] = MOTION.image_size;
    const [x, y] = this.toCanvas(0, 0);
    this.context.strokeStyle = COLOURS.line;
    this.context.lineWidth = 1;
    this.context.strokeRect(x, y, width * this.scale, height * this.scale);
  }

  drawLifted(person, frame) {
    if (!isSeen(person, frame)) return;
    const points = Array.from({ length: NUM_JOINTS }, (_, j) => {
      const at = (frame * NUM_JOINTS + j) * 3;
      const x = person.root[frame * 3] + person.motion[at] + person.picture_origin[0];
      const y = person.picture_origin[1] - person.root[frame * 3 + 1] - person.motion[at + 1];
      return this.toCanvas(x, y);
    });
    for (let j = 0; j < NUM_JOINTS; j += 1) {
      if (PARENTS[j] < 0) continue;
      segment(this.context, points[PARENTS[j]], points[j], {
        colour: COLOURS.quiet, width: 5, alpha: 0.28,
      });
    }
  }

  drawKeypoints(person, frame) {
    const { keypoints, confidence } = person;
    const at = (j) => (frame * NUM_JOINTS + j) * 2;
    const seen = (j) => !Number.isNaN(keypoints[at(j)]);
    const point = (j) => this.toCanvas(keypoints[at(j)], keypoints[at(j) + 1]);
    const sure = (j) => confidence[frame * NUM_JOINTS + j] / 255;
    for (let j = 0; j < NUM_JOINTS; j += 1) {
      // A joint that the detector does not know is stepped over, so that limbs stay connected.
      let parent = PARENTS[j];
      while (parent >= 0 && !person.known[parent]) parent = PARENTS[parent];
      if (parent < 0 || !seen(j) || !seen(parent)) continue;
      const alpha = 0.25 + 0.75 * Math.min(sure(j), sure(parent));
      segment(this.context, point(parent), point(j), { colour: COLOURS[SIDES[j]], width: 2.5, alpha });
    }
    for (let j = 0; j < NUM_JOINTS; j += 1) {
      if (!seen(j)) continue;
      const colour = COLOURS[SIDES[j]];
      if (sure(j) < 0.5) dot(this.context, point(j), 3, { ring: colour });
      else dot(this.context, point(j), 3.2, { colour });
    }
  }
}

// The box around a person's keypoints in a frame, or null where nobody is seen.
function boxOf({ keypoints }, frame) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (let at = frame * NUM_JOINTS * 2; at < (frame + 1) * NUM_JOINTS * 2; at += 2) {
    if (Number.isNaN(keypoints[at])) continue;
    box[0] = Math.min(box[0], keypoints[at]);
    box[1] = Math.min(box[1], keypoints[at + 1]);
    box[2] = Math.max(box[2], keypoints[at]);
    box[3] = Math.max(box[3], keypoints[at + 1]);
  }
  return box[0] <= box[2] ? box : null;
}

// The middles of the boxes, each averaged over half a second; in gaps the last one stays.
function smoothCenters(boxes) {
  let last = boxes.find((box) => box) ?? [0, 0, 1, 1];
  const middles = boxes.map((box) => {
    last = box ?? last;
    return [(last[0] + last[2]) / 2, (last[1] + last[3]) / 2];
  });
  const sums = [[0, 0]];
  for (const [x, y] of middles) sums.push([sums.at(-1)[0] + x, sums.at(-1)[1] + y]);
  const half = Math.max(1, Math.round(FPS / 4));
  return middles.map((_, frame) => {
    const [from, to] = [Math.max(0, frame - half), Math.min(NUM_FRAMES, frame + half + 1)];
    return [0, 1].map((axis) => (sums[to][axis] - sums[from][axis]) / (to - from));
  });
}
