export function loud(text: string): string {
  return `${text.toUpperCase()}!`;
}
