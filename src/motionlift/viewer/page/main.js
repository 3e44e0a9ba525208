// Brings the panels together: one frame shown everywhere, a clock, keys and buttons.

const byId = (id) => document.getElementById(id);
let frame = 0;
let isDirty = true;
let isReady = false;
let isPlaying = false;
let clock = 0;
let lastTick = 0;

const markDirty = () => { isDirty = true; };
const video = openVideo();
document.documentElement.dataset.theme =
  window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
readColours();
const changes = { onChange: markDirty, onSize: () => { if (isReady) show(); } };
const scene = new Scene(byId("scene"), changes);
const picture = new Picture(byId("picture"), video, changes);
const curves = new Curves(byId("curves"), { ...changes, onSeek: goTo });
const groups = quantities();

function openVideo() {
  const data = byId("video-data");
  if (!data.textContent) return null;
  const element = byId("video");
  element.src = URL.createObjectURL(new Blob([bytesOf(data.textContent)], { type: data.dataset.type }));
  for (const name of ["loadeddata", "seeked"]) element.addEventListener(name, markDirty);
  return element;
}

function goTo(wanted, { fromClock = false } = {}) {
  frame = Math.max(0, Math.min(NUM_FRAMES - 1, wanted));
  if (!fromClock) {
    clock = secondsOf(frame);
    if (video) video.currentTime = videoTime();
  }
  markDirty();
}

// The middle of a frame's time, where no rounding can show its neighbour.
function videoTime() {
  return (NUMBERS[frame] + 0.5) / VIDEO_FPS;
}

// Browsers refuse what is beyond this.
function videoSpeed() {
  return Math.max(1 / 16, Math.min(16, (Number(byId("speed").value) * FPS) / VIDEO_FPS));
}

function play(on) {
  isPlaying = on;
  // From the end, play begins anew.
  if (on && frame === NUM_FRAMES - 1) goTo(0);
  byId("play").textContent = on ? "❚❚" : "▶";
  byId("play").setAttribute("aria-label", on ? "Pause" : "Play");
  lastTick = performance.now();
  if (!video) return;
  if (!on) {
    video.pause();
    goTo(frame);
  } else {
    video.playbackRate = videoSpeed();
    video.play().catch(() => {});
  }
}

function tick(now) {
  if (isPlaying) {
    clock += ((now - lastTick) / 1000) * Number(byId("speed").value);
    // A video's own clock leads while it runs; beyond its end ours goes on.
    if (video && !video.paused && !video.ended) clock = (video.currentTime * VIDEO_FPS - NUMBERS[0]) / FPS;
    if (clock > secondsOf(NUM_FRAMES - 1) + 1 / FPS) {
      goTo(0);
      if (video) video.play().catch(() => {});
    }
    const next = frameAt(Math.max(0, clock));
    if (next !== frame || video) goTo(next, { fromClock: true });
  }
  lastTick = now;
  if (isDirty) {
    isDirty = false;
    show();
  }
  requestAnimationFrame(tick);
}

function show() {
  scene.draw(frame);
  picture.draw(frame);
  curves.draw(frame);
  byId("time").value = frame;
  const seconds = MOTION.fps ? `${secondsOf(frame).toFixed(2)} s · ` : "";
  byId("clock").textContent = `${seconds}frame ${NUMBERS[frame]}`;
  byId("path-button").setAttribute("aria-pressed", scene.withPath);
  byId("fit-button").textContent = picture.whole ? "Follow person" : "Whole picture";
  showValues();
  document.documentElement.dataset.frame = NUMBERS[frame];
}

function showValues() {
  const { unit } = curves.quantity;
  const digits = unit === "m" ? 3 : 0;
  byId("values").replaceChildren(...curves.curves.map(({ name, colour, values }) => {
    const text = document.createElement("span");
    const value = Number.isNaN(values[frame]) ? "–" : `${values[frame].toFixed(digits)}${unit === "°" ? "" : " "}${unit}`;
    const bold = document.createElement("b");
    bold.textContent = name;
    bold.style.color = `var(--${colour})`;
    text.append(bold, ` ${value}`);
    return text;
  }));
}

function choose() {
  const [group, index] = byId("quantity").value.split("/");
  const who = byId("who").value;
  const shown = PEOPLE.filter((person, k) => who === "all" || String(k) === who || person.reference);
  scene.people = shown;
  picture.show(shown);
  scene.measure();
  curves.show(groups[group][Number(index)], shown[0]);
}

function fillPage() {
  byId("title").textContent = MOTION.title;
  byId("about").textContent = MOTION.about;
  byId("time").max = NUM_FRAMES - 1;
  byId("quantity").replaceChildren(...Object.entries(groups).map(([label, members]) => {
    const group = document.createElement("optgroup");
    group.label = label;
    group.append(...members.map(({ name }, k) => new Option(name, `${label}/${k}`)));
    return group;
  }));
  if (MOTION.comparison) byId("quantity").value = "Comparison/0";
  const lifted = PEOPLE.filter((person) => !person.reference);
  byId("who").replaceChildren(
    ...(lifted.length > 1 ? [new Option("all", "all")] : []),
    ...lifted.map(({ name }, k) => new Option(name, String(k))),
  );
  byId("who-label").hidden = lifted.length < 2;
  document.querySelector(".legend .reference").hidden = lifted.length === PEOPLE.length;
  byId("picture-panel").hidden = !PEOPLE.some((person) => person.keypoints) && !video;
  document.querySelector("main").classList.toggle("without-picture", byId("picture-panel").hidden);
  byId("fit-button").hidden = !MOTION.image_size && !video;
  fillNotes();
}

function fillNotes() {
  byId("notes-text").replaceChildren(...PEOPLE.flatMap((person) => {
    const heading = document.createElement("h3");
    heading.textContent = person.source;
    const list = document.createElement("ul");
    list.append(...person.notes.map((note) => {
      const item = document.createElement("li");
      item.textContent = note;
      return item;
    }));
    return [heading, list];
  }));
  byId("notes-button").hidden = !PEOPLE.some((person) => person.notes.length);
}

function switchTheme() {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  readColours();
  curves.drawn = null;
  markDirty();
}

function changeSpeed(by) {
  const speed = byId("speed");
  speed.selectedIndex = Math.max(0, Math.min(speed.length - 1, speed.selectedIndex + by));
  if (video) video.playbackRate = videoSpeed();
}

const KEYS = {
  " ": () => play(!isPlaying),
  ArrowLeft: (event) => goTo(frame - (event.shiftKey ? 10 : 1)),
  ArrowRight: (event) => goTo(frame + (event.shiftKey ? 10 : 1)),
  Home: () => goTo(0),
  End: () => goTo(NUM_FRAMES - 1),
  "[": () => changeSpeed(-1),
  "]": () => changeSpeed(1),
  1: () => scene.look("front"),
  2: () => scene.look("side"),
  3: () => scene.look("top"),
  p: () => scene.togglePath(),
  f: () => picture.toggle(),
  t: switchTheme,
  "?": () => byId("help").showModal(),
};

function listen() {
  byId("play").addEventListener("click", () => play(!isPlaying));
  byId("time").addEventListener("input", (event) => goTo(Number(event.target.value)));
  byId("speed").addEventListener("change", () => changeSpeed(0));
  byId("who").addEventListener("change", choose);
  byId("quantity").addEventListener("change", choose);
  byId("fit-button").addEventListener("click", () => picture.toggle());
  byId("path-button").addEventListener("click", () => scene.togglePath());
  byId("theme-button").addEventListener("click", switchTheme);
  byId("help-button").addEventListener("click", () => byId("help").showModal());
  byId("notes-button").addEventListener("click", () => byId("notes").showModal());
  for (const button of document.querySelectorAll("[data-view]")) {
    button.addEventListener("click", () => scene.look(button.dataset.view));
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const isInSelect = event.target.tagName === "SELECT";
    const isSpaceOnButton = event.key === " " && event.target.tagName === "BUTTON";
    const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || isInSelect || isSpaceOnButton) return;
    event.preventDefault();
    act(event);
  });
}

// A link can say where to begin: #frame=120&play&theme=dark&view=side
function followLink() {
  const wanted = new URLSearchParams(window.location.hash.slice(1));
  if (wanted.has("theme") && wanted.get("theme") !== document.documentElement.dataset.theme) switchTheme();
  if (VIEWS[wanted.get("view")]) scene.look(wanted.get("view"));
  const number = Number(wanted.get("frame") ?? NUMBERS[0]);
  goTo(frameAt((number - NUMBERS[0]) / FPS));
  if (wanted.has("play")) play(true);
}

fillPage();
listen();
choose();
followLink();
isReady = true;
show();
document.documentElement.dataset.ready = "true";
requestAnimationFrame(tick);
