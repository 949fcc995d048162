package org.backpack4j.dl4j.influence;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * A number for each sample of the training data, by its place in the iterator that {@link
 * Influence.Builder#fit} was given, from 0.
 */
public final class SampleScores {
  private final String meaning;
  private final double[] scores;
  private final int[] classes;

  /**
   * A sample's score.
   *
   * @param index the sample's place in the training data, from 0
   * @param score its score
   */
  public record Entry(int index, double score) {}

  /**
   * Scores.
   *
   * @param meaning what a score says, a sentence
   * @param scores a score for each sample; kept as it is
   * @param classes for each sample its class, −1 where it has none
   */
  SampleScores(String meaning, double[] scores, int[] classes) {
    this.meaning = meaning;
    this.scores = scores;
    this.classes = classes;
  }

  /**
   * What a score says, with its unit and sign.
   *
   * @return a sentence
   */
  public String meaning() {
    return meaning;
  }

  /**
   * How many training samples there are.
   *
   * @return N
   */
  public int size() {
    return scores.length;
  }

  /**
   * All scores.
   *
   * @return a new array, a score for each training sample
   */
  public double[] toArray() {
    return scores.clone();
  }

  /**
   * A sample's score.
   *
   * @param index the sample's place in the training data, from 0
   * @return its score
   * @throws IndexOutOfBoundsException if there is no such sample
   */
  public double get(int index) {
    return scores[index];
  }

  /**
   * The samples of the highest scores, the highest first; of equal ones the earlier sample.
   *
   * @param count how many at most
   * @return the samples, fewer if there are no more
   * @throws IllegalArgumentException if the number is negative
   */
  public List<Entry> highest(int count) {
    return first(count, Comparator.comparingDouble((Integer k) -> -scores[k]));
  }

  /**
   * The samples of the lowest scores, the lowest first; of equal ones the earlier sample.
   *
   * @param count how many at most
   * @return the samples, fewer if there are no more
   * @throws IllegalArgumentException if the number is negative
   */
  public List<Entry> lowest(int count) {
    return first(count, Comparator.comparingDouble((Integer k) -> scores[k]));
  }

  private List<Entry> first(int count, Comparator<Integer> order) {
    if (count < 0) {
      throw new IllegalArgumentException("There are no " + count + " samples.");
    }
    return IntStream.range(0, scores.length)
        .boxed()
        .sorted(order)
        .limit(count)
        .map(k -> new Entry(k, scores[k]))
        .toList();
  }

  /**
   * The sums of the scores of each class of training samples: for scores of removal, what removing
   * the whole class would change to first order.
   *
   * @return the sums by the classes' numbers; a class without a training sample has none, and
   *     samples without a class (of sequences, or of a regression) are in none
   */
  public Map<Integer, Double> byClass() {
    Map<Integer, Double> sums = new TreeMap<>();
    for (int k = 0; k < scores.length; k++) {
      if (classes[k] >= 0) {
        sums.merge(classes[k], scores[k], Double::sum);
      }
    }
    return sums;
  }

  /**
   * A sample's class: the number of the largest entry of its label.
   *
   * @param index the sample's place in the training data, from 0
   * @return its class; −1 if its label is no class
   */
  int classOf(int index) {
    return classes[index];
  }

  @Override
  public String toString() {
    return scores.length + " scores, " + Arrays.toString(highest(3).toArray()) + " … " + meaning;
  }
}
