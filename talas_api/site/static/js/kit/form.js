/**
 * Forms whose errors stand at the field they are about.
 *
 * Does:       build labelled fields; send; show what the API refused, field by field.
 * Guarantees: an error is tied to its input for screen readers, and the first wrong one is focused;
 *             a form that is being sent cannot be sent again.
 */
import { h } from './dom.js';

/**
 * @typedef {object} Field
 * @property {string} name
 * @property {string} label
 * @property {string} [type]
 * @property {string} [hint]
 * @property {string} [value]
 * @property {string} [autocomplete]
 * @property {number} [maxlength]
 * @property {boolean} [long] a text of several lines
 * @property {string} [prefix] shown in front of what is typed
 */

/** @typedef {Record<string, string>} Values */
/** What is wrong, by field. @typedef {Partial<Record<string, string>>} Faults */

/**
 * @param {object} options
 * @param {string} options.id
 * @param {Field[]} options.fields
 * @param {string} options.submit
 * @param {(values: Values) => Faults} options.check
 * @param {(values: Values) => Promise<void>} options.send
 * @param {string} [options.done] said once it was sent, until something is typed again
 * @param {Node[]} [options.between] what stands between the fields and the buttons
 * @param {Node[]} [options.extra] further buttons
 */
export function form({ id, fields, submit, check, send, done = '', between = [], extra = [] }) {
  const rows = fields.map((field) => row(id, field));
  const problem = h('p', { class: 'form__problem', role: 'alert' });
  const outcome = h('p', { class: 'form__done', role: 'status' });
  const button = h('button', { class: 'button button--main', type: 'submit' }, submit);
  const element = h(
    'form',
    { class: 'form', novalidate: true, id },
    ...rows.map((one) => one.element),
    ...between,
    problem,
    outcome,
    h('div', { class: 'form__buttons' }, button, ...extra),
  );
  element.addEventListener('submit', async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (button.getAttribute('aria-busy')) return;
    outcome.textContent = '';
    const values = Object.fromEntries(rows.map(({ name, input }) => [name, input.value.trim()]));
    for (const one of rows) if (one.input.type === 'password') values[one.name] = one.input.value;
    show(rows, problem, check(values), '');
    if (element.querySelector('[aria-invalid="true"]')) return;
    await submitting(button, async () => {
      await send(values);
      outcome.textContent = done;
    }, (error) => {
      show(rows, problem, error.fields ?? {}, error.message);
    });
  });
  element.addEventListener('input', () => {
    outcome.textContent = '';
  });
  return element;
}

/**
 * The button keeps the focus meanwhile: a disabled one would lose it.
 *
 * @param {HTMLButtonElement} button
 * @param {() => Promise<void>} work
 * @param {(error: any) => void} failed
 */
async function submitting(button, work, failed) {
  button.setAttribute('aria-busy', 'true');
  button.setAttribute('aria-disabled', 'true');
  try {
    await work();
  } catch (error) {
    failed(error);
  } finally {
    button.removeAttribute('aria-busy');
    button.removeAttribute('aria-disabled');
  }
}

/**
 * @param {string} id
 * @param {Field} field
 */
function row(id, field) {
  const own = `${id}-${field.name}`;
  const input = h(field.long ? 'textarea' : 'input', {
    id: own,
    name: field.name,
    class: 'field__input',
    type: field.long ? null : (field.type ?? 'text'),
    rows: field.long ? 3 : null,
    autocomplete: field.autocomplete ?? 'off',
    maxlength: field.maxlength,
    spellcheck: field.long ? 'true' : 'false',
    autocapitalize: field.long ? null : 'none',
    'aria-describedby': `${own}-hint ${own}-fault`,
  });
  input.value = field.value ?? '';
  const fault = h('p', { class: 'field__fault', id: `${own}-fault` });
  const element = h(
    'div',
    { class: 'field' },
    h('label', { class: 'field__label', for: own }, field.label),
    field.prefix
      ? h('div', { class: 'field__joined' }, h('span', { 'aria-hidden': 'true' }, field.prefix), input)
      : input,
    h('p', { class: 'field__hint', id: `${own}-hint` }, field.hint ?? ''),
    fault,
  );
  return { name: field.name, label: field.label, element, input, fault };
}

/**
 * @param {ReturnType<typeof row>[]} rows
 * @param {HTMLElement} problem
 * @param {Faults} faults
 * @param {string} sentence
 */
function show(rows, problem, faults, sentence) {
  let first = null;
  for (const { name, label, input, fault } of rows) {
    const wrong = faults[name];
    fault.textContent = wrong ? `${label} ${wrong}.` : '';
    if (wrong) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
    if (wrong) first ??= input;
  }
  problem.textContent = first ? '' : sentence;
  first?.focus();
}
