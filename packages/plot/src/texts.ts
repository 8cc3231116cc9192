/** Texts of plots. */

/** Characters of a title at most: so many of the widest have room. */
const maxTitle = 40

/** 1,668 and 4,194,304 as they are; what is longer has three digits and a letter: 20M. */
export function numberText(size: number): string {
  if (size < 10_000_000) return size.toLocaleString('en')
  const steps = ['', 'k', 'M', 'G', 'T']
  const rounded = Number(size.toPrecision(3))
  const step = Math.min(steps.length - 1, Math.floor(Math.log10(rounded) / 3))
  return `${rounded / 1000 ** step}${steps[step]}`
}

/** Text in XML and HTML; control characters, which XML has not, are replaced. */
export function escapedXml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\ufffe\uffff]/gu, '\ufffd')
    .replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`)
}

/** A title that has room in a plot. */
export function shortened(title: string): string {
  const characters = Array.from(new Intl.Segmenter().segment(title), ({ segment }) => segment)
  return characters.length <= maxTitle ? title : `${characters.slice(0, maxTitle - 1).join('')}…`
}
