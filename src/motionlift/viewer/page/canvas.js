// Canvases as sharp as the screen, and the colours of the page's theme.

const COLOURS = {};

function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["panel", "ink", "quiet", "line", "left", "right", "middle", "reference", "grid"]) {
    COLOURS[name] = style.getPropertyValue(`--${name}`).trim();
  }
}

// Calls `onSize` with the new size in CSS pixels, in which drawing is done too. A canvas forgets its
// picture when it changes size, so `onSize` has to draw at once.
function watchSize(canvas, onSize) {
  const context = canvas.getContext("2d");
  const fit = () => {
    const { clientWidth: width, clientHeight: height } = canvas;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.max(1, Math.round(width * ratio));
    canvas.height = Math.max(1, Math.round(height * ratio));
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    onSize(width, height);
  };
  fit();
  new ResizeObserver(fit).observe(canvas);
  return context;
}

function segment(context, a, b, { colour, width, alpha = 1 }) {
  context.globalAlpha = alpha;
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  context.moveTo(a[0], a[1]);
  context.lineTo(b[0], b[1]);
  context.stroke();
  context.globalAlpha = 1;
}

function dot(context, a, radius, { colour, alpha = 1, ring = "" }) {
  context.globalAlpha = alpha;
  context.beginPath();
  context.arc(a[0], a[1], radius, 0, 2 * Math.PI);
  if (ring) {
    context.strokeStyle = ring;
    context.lineWidth = 1.5;
    context.stroke();
  } else {
    context.fillStyle = colour;
    context.fill();
  }
  context.globalAlpha = 1;
}
