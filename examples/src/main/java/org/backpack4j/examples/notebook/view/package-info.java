/**
 * Results as tables and pictures: {@link org.backpack4j.examples.notebook.view.NotebookViews} makes
 * any Java kernel with jjava's extensions show them, and {@code toString} is their text elsewhere.
 * An extended graph and an evaluation are shown as they are; {@link
 * org.backpack4j.examples.notebook.view.QuantityView}, {@link
 * org.backpack4j.examples.notebook.view.HeatMap}, {@link
 * org.backpack4j.examples.notebook.view.History} and {@link
 * org.backpack4j.examples.notebook.view.Row} are made by hand.
 */
@NullMarked
package org.backpack4j.examples.notebook.view;

import org.jspecify.annotations.NullMarked;
