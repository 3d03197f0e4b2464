// Where the things of a chart stand. Nothing here knows of the page.

export const WIDTH = 600;
export const HEIGHT = 120;

/** A round number at or above `value`, for the top of a scale. */
export function ceiling(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((step) => step * power >= value) * power;
}

/** Puts points into their places of a row of spans; those in which nothing happened are null. */
export function places(points, first, step, count) {
  const row = new Array(count).fill(null);
  for (const point of points) {
    const place = Math.floor((point.at - first) / step);
    if (place >= 0 && place < count) row[place] = point;
  }
  return row;
}

/** The commands of a line through values, broken where one is missing. */
export function path(values, top) {
  const width = WIDTH / values.length;
  let isDrawing = false;
  const commands = values.map((value, at) => {
    if (value === null || value === undefined) {
      isDrawing = false;
      return '';
    }
    const x = at * width;
    const y = HEIGHT - (value / top) * HEIGHT;
    const command = `${isDrawing ? 'L' : 'M'}${x.toFixed(2)} ${y.toFixed(2)}h${width.toFixed(2)}`;
    isDrawing = true;
    return command;
  });
  return commands.join('');
}
