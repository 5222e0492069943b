// What is computed of scores: which rows are shown, which columns they share, means and their order.

/** @import { Benchmark, Cell, Filters, Row } from "./types.js" */

/** Licences that each choice lets through; see `ui/components/model_filters.py`. @type {Record<string, string[]>} */
export const LICENCES = { yes: ["yes"], conditions: ["yes", "on conditions"] };

/**
 * @param {number | null | undefined} score
 * @param {number} full
 * @returns {number | null} in percent of what right answers score
 */
export const percent = (score, full) => (score === null || score === undefined ? null : (100 * score) / full);

/** @param {number | null} value in percent */
export const format = (value) => (value === null ? "–" : value.toFixed(1));

/**
 * @param {Row} row
 * @param {Benchmark} benchmark
 * @returns {number | null} what the row scored on the column's questions
 */
export function comparable(row, { name, full }) {
  const cell = row.cells[name];
  return cell && !cell.other ? percent(cell.score, full) : null;
}

/**
 * @param {Row[]} rows
 * @param {Filters} filters
 * @param {Record<string, [number, number]>} sizes
 */
export function filterRows(rows, filters, sizes) {
  const limits = sizes[filters.size];
  return rows.filter((row) => (!limits || (row.parameters !== null && row.parameters >= limits[0] && row.parameters < limits[1]))
    && (!filters.licence || LICENCES[filters.licence].includes(row.commercial))
    && ["family", "weights", "format"].every((name) => {
      const wanted = filters[/** @type {"family" | "weights" | "format"} */ (name)];
      return !wanted || row[/** @type {"family" | "weights" | "format"} */ (name)] === wanted;
    }));
}

/**
 * @param {Row[]} rows
 * @param {Benchmark[]} benchmarks
 * @returns {Benchmark[]} those on which all rows have a score that can be compared
 */
export const sharedColumns = (rows, benchmarks) => (rows.length
  ? benchmarks.filter((benchmark) => rows.every((row) => comparable(row, benchmark) !== null)) : []);

/**
 * @param {Row} row
 * @param {Benchmark[]} shared
 * @returns {number | null} the mean over the columns that all shown rows have
 */
export function meanOf(row, shared) {
  if (!shared.length) return null;
  return shared.reduce((sum, benchmark) => sum + /** @type {number} */ (comparable(row, benchmark)), 0) / shared.length;
}

/**
 * @param {Row[]} rows
 * @param {string} by "model", "size", "mean" or the name of a benchmark
 * @param {boolean} descending
 * @param {Benchmark[]} benchmarks
 * @param {Benchmark[]} shared
 * @returns {Row[]} rows without a value come last in either direction
 */
export function sortRows(rows, by, descending, benchmarks, shared) {
  const benchmark = benchmarks.find(({ name }) => name === by);
  /** @param {Row} row @returns {string | number | null} */
  const value = (row) => {
    if (by === "model") return row.title.toLowerCase();
    if (by === "size") return row.parameters;
    return benchmark ? comparable(row, benchmark) : meanOf(row, shared);
  };
  return [...rows].sort((one, other) => {
    const a = value(one), b = value(other);
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    const order = a < b ? -1 : Number(a > b);
    return descending ? -order : order;
  });
}

/**
 * What radar charts of these rows can show: their shared benchmarks, or the measures of one of them.
 * @param {Row[]} rows
 * @param {Benchmark[]} benchmarks
 * @returns {{name: string, title: string, axes: {title: string, values: number[]}[]}[]} values are in percent, in the order of the rows
 */
export function radarAxes(rows, benchmarks) {
  const shared = sharedColumns(rows, benchmarks);
  const sets = [];
  if (shared.length >= 3) {
    const axes = shared.map((one) => ({ title: one.title, values: rows.map((row) => /** @type {number} */ (comparable(row, one))) }));
    sets.push({ name: "", title: "", axes });
  }
  for (const { name, title, measure, full } of shared) {
    const cells = rows.map((row) => row.cells[name]);
    const axes = measuresOf(cells).filter((one) => one !== measure && cells.every((cell) => cell.measures[one] >= 0 && cell.measures[one] <= full))
      .map((one) => ({ title: one.replaceAll("_", " "), values: cells.map((cell) => (100 * cell.measures[one]) / full) }));
    if (axes.length >= 3) sets.push({ name, title, axes });
  }
  return sets;
}

/** @param {Cell[]} cells @returns {string[]} names of the measures that all have */
const measuresOf = ([first, ...others]) => Object.keys(first.measures).filter((name) => others.every(({ measures }) => name in measures));
