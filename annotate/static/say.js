// Says a message in the language of the page: the page carries what its scripts may say.
const words = JSON.parse(document.body.dataset.words || "{}");

export function say(message, ...values) {
  return (words[message] ?? message).replace(/\{(\d+)\}/g, (_, place) => values[place - 1]);
}
