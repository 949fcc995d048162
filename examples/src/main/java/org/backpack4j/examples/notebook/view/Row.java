package org.backpack4j.examples.notebook.view;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Views beside each other: an image and the gradient that it asks for, say.
 *
 * @param views the views, from left to right
 */
public record Row(List<View> views) implements View {

  /**
   * Views beside each other.
   *
   * @param views the views, from left to right
   * @return the row
   */
  public static Row of(View... views) {
    return new Row(Arrays.asList(views));
  }

  @Override
  public String html() {
    return Html.beside(views.stream().map(View::html).toList());
  }

  @Override
  public String toString() {
    return views.stream().map(View::toString).collect(Collectors.joining("\n"));
  }
}
