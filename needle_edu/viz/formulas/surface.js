/* The surface of a formula of two variables, from any side: what surface.py draws, with the same numbers (a test holds the
   two together). Dragging and the arrow keys turn it. */

const SURFACE = { points: 21, shades: 8, wide: 420, high: 390, scale: 122, tall: 0.62, turn: 30, lift: 30, reach: 0.38 };

/** Where a point of the cube from -1 to 1 is in the picture, and how far it is from the eye. */
function projection(turn, lift) {
  const a = (turn * Math.PI) / 180, e = (lift * Math.PI) / 180, { wide, high, scale, tall } = SURFACE;
  return ([u, v, w]) => {
    const across = u * Math.cos(a) - v * Math.sin(a), away = u * Math.sin(a) + v * Math.cos(a);
    const up = tall * w * Math.cos(e) + away * Math.sin(e);
    return [wide / 2 + scale * across, high / 2 - scale * up, away * Math.cos(e) - tall * w * Math.sin(e)];
  };
}

const spot = ([x, y]) => `${(x + 0).toFixed(1)} ${(y + 0).toFixed(1)}`;

/** The heights that are drawn: all, but where a pole would flatten the rest, only what lies near the middle 90 %. */
function visibleRange(heights, here) {
  const finite = heights.flat().filter(Number.isFinite).sort((a, b) => a - b);
  if (!finite.length) return null;
  const cut = Math.floor(0.05 * finite.length), least = finite[0], most = finite.at(-1);
  let [low, high] = [finite[cut], finite[finite.length - 1 - cut]];
  if (most - least <= 4 * (high - low) || high === low) [low, high] = [least, most];
  if (Number.isFinite(here)) [low, high] = [Math.min(low, here), Math.max(high, here)];
  return high - low < 1e-9 * Math.max(1, Math.abs(high)) ? [low - 1, high + 1] : [low, high];
}

/** The inside of the picture, and what it shows in words. `f(x, y)` gives the heights, `names`, `at`, `sides` and `slopes`
    are of the two variables. */
export function relief({ f, names, at, sides, slopes, turn, lift }) {
  const { points, shades, reach: most } = SURFACE, seen = projection(turn, lift);
  const steps = Array.from({ length: points }, (_, i) => -1 + (2 * i) / (points - 1));
  const heights = steps.map((u) => steps.map((v) => f(u * sides[0], v * sides[1])));
  const here = f(...at), range = visibleRange(heights, here);
  const over = names.map((name, i) => `${name} from ${number(-sides[i])} to ${number(sides[i])}`).join(" and ");
  if (!range) return { words: `f has no finite value over ${over}`, inside: "" };
  const [low, high] = range, clamp = (z) => Math.min(high, Math.max(low, z));
  const cube = (x, y, z) => [x / sides[0], y / sides[1], (2 * (z - low)) / (high - low) - 1];
  const where = names.map((name, i) => `${name}=${number(at[i])}`).join(", ");
  const words = `f from ${number(low)} to ${number(high)} over ${over}; at ${where} it is ${number(here)}, and steepest along `
    + `the gradient (${slopes.map(number).join(", ")})`;

  const floor = [[-1, -1, -1], [1, -1, -1], [1, 1, -1], [-1, 1, -1]].map((corner) => spot(seen(corner)));
  let inside = `<path class="floor" d="M${floor.join("L")}Z"/>`;
  // The names stand at those sides of the floor that are nearer to the eye.
  const [c, d] = [Math.cos((turn * Math.PI) / 180), Math.sin((turn * Math.PI) / 180)];
  [[0, c >= 0 ? -1.16 : 1.16], [d >= 0 ? -1.16 : 1.16, 0]].forEach(([u, v], i) => {
    const [x, y] = seen([u, v, -1]);
    inside += `<text x="${x.toFixed(1)}" y="${(y + 4).toFixed(1)}" text-anchor="middle">${escaped(names[i])}</text>`;
  });

  const pieces = [];
  for (let i = 0; i < points - 1; i++) for (let k = 0; k < points - 1; k++) {
    const corners = [[i, k], [i + 1, k], [i + 1, k + 1], [i, k + 1]], z = corners.map(([a, b]) => heights[a][b]);
    if (!z.every(Number.isFinite) || Math.min(...z) > high || Math.max(...z) < low) continue;
    const drawn = corners.map(([a, b], n) => seen(cube(steps[a] * sides[0], steps[b] * sides[1], clamp(z[n]))));
    const mean = z.reduce((sum, height) => sum + clamp(height), 0) / 4;
    pieces.push([drawn.reduce((sum, p) => sum + p[2], 0), Math.min(shades - 1, Math.floor((shades * (mean - low)) / (high - low))), drawn]);
  }
  pieces.sort((a, b) => Math.round(b[0] * 1e6) - Math.round(a[0] * 1e6)); // the farthest first
  inside += pieces.map(([, shade, drawn]) => `<polygon class="shade${shade}" points="${drawn.map(spot).join(" ")}"/>`).join("");

  if (![here, ...slopes].every(Number.isFinite)) return { words, inside };
  const [u, v, w] = cube(...at, here), tilt = slopes.map((slope, i) => (2 * slope * sides[i]) / (high - low));
  const reach = Math.min(most, 0.6 / Math.max(1e-12, Math.abs(tilt[0]) + Math.abs(tilt[1]))); // a steep plane is drawn small
  const onPlane = (du, dv) => spot(seen([u + du, v + dv, w + tilt[0] * du + tilt[1] * dv]));
  const corners = [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([a, b]) => onPlane(a * reach, b * reach));
  inside += `<polygon class="tangent" points="${corners.join(" ")}"/>`;
  const ways = slopes.map((slope, i) => slope / sides[i]), length = Math.hypot(...ways);
  if (length > 0) {
    const [a, b] = ways.map((way) => (way / length) * reach), tip = onPlane(a, b);
    const left = onPlane(0.75 * a - 0.12 * b, 0.75 * b + 0.12 * a), right = onPlane(0.75 * a + 0.12 * b, 0.75 * b - 0.12 * a);
    inside += `<path class="uphill" d="M${spot(seen([u, v, w]))}L${tip}M${left}L${tip}L${right}"/>`;
  }
  const [x, y] = seen([u, v, w]);
  return { words, inside: `${inside}<circle class="point" cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="4.5"/>` };
}

/** Make the still picture turn: `draw(turn, lift)` gives what `relief` gives. Returns what draws it again. */
function turning(figure, draw) {
  const svg = figure.querySelector(".relief"), caption = figure.querySelector("figcaption");
  const side = { turn: SURFACE.turn, lift: SURFACE.lift };
  const STEP = 10, LIFTS = [5, 85];
  const room = document.createElement("div");
  room.className = "turn";
  room.tabIndex = 0;
  room.setAttribute("role", "group");
  room.setAttribute("aria-label", "the surface of f; arrow keys turn it");
  svg.replaceWith(room);
  room.append(svg);
  function by(turn, lift) {
    side.turn = (side.turn + turn + 360) % 360;
    side.lift = Math.max(LIFTS[0], Math.min(LIFTS[1], side.lift + lift));
    show();
  }
  room.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] }[event.key];
    if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    by(...way);
  });
  let from = null;
  room.addEventListener("pointerdown", (event) => { from = [event.clientX, event.clientY]; room.setPointerCapture(event.pointerId); });
  room.addEventListener("pointermove", (event) => {
    if (!from) return;
    by((from[0] - event.clientX) / 2, (event.clientY - from[1]) / 2);
    from = [event.clientX, event.clientY];
  });
  for (const end of ["pointerup", "pointercancel"]) room.addEventListener(end, () => { from = null; });
  function show() {
    const { words, inside } = draw(side.turn, side.lift);
    svg.innerHTML = `<title>${escaped(words)}</title>${inside}`;
    svg.setAttribute("aria-label", words);
    caption.textContent = words;
  }
  return show;
}
