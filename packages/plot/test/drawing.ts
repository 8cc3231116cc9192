/** What is in a drawing. */

/** A text with its place. */
export interface PlacedText {
  readonly x: number
  readonly y: number
  readonly text: string
}

export function textsOf(svg: string): PlacedText[] {
  return [...svg.matchAll(/<text x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</g)].map(([, x, y, text]) => ({
    x: Number(x),
    y: Number(y),
    text: text!,
  }))
}

/** The points of each line. */
export function curvesOf(svg: string): [number, number][][] {
  return [...svg.matchAll(/<polyline points="([^"]+)"/g)].map(([, points]) =>
    points!.split(' ').map((point) => point.split(',').map(Number) as [number, number]),
  )
}
