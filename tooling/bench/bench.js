/**
 * What a bench file is. A file `bench/AREA.ts` of a package has one default export, a plain object of the shape
 * {@link Bench}; it imports nothing from here (relative imports do not leave a package), and the runner refuses what has
 * another shape. Files that several areas share lie in a folder below `bench/`.
 */
export {}
//# sourceMappingURL=bench.js.map
