/** A drawing as pixels. */
import { readFile } from 'node:fs/promises'

/** Pixels for a unit of the drawing. */
const scale = 2

/**
 * An SVG as PNG, in twice its width and height. Its texts are in Didact Gothic, which has Latin, Greek and Cyrillic letters;
 * the fonts of the system are not looked at, so that the same drawing is the same picture everywhere.
 */
export async function pngOf(svg: string): Promise<Uint8Array> {
  const [{ Resvg }, font] = await Promise.all([openRenderer(), readFile(fontFile())])
  const family = 'Didact Gothic'
  const drawing = new Resvg(svg, {
    fitTo: { mode: 'zoom', value: scale },
    font: { fontBuffers: [font], defaultFontFamily: family, sansSerifFamily: family },
  })
  return drawing.render().asPng()
}

function fontFile(): URL {
  return new URL(
    import.meta.resolve('@expo-google-fonts/didact-gothic/400Regular/DidactGothic_400Regular.ttf'),
  )
}

type Renderer = typeof import('@resvg/resvg-wasm')

let renderer: Promise<Renderer> | undefined

/** The renderer, which can be made ready once in a process. */
function openRenderer(): Promise<Renderer> {
  renderer ??= import('@resvg/resvg-wasm').then(async (module) => {
    await module.initWasm(readFile(new URL(import.meta.resolve('@resvg/resvg-wasm/index_bg.wasm'))))
    return module
  })
  return renderer
}
