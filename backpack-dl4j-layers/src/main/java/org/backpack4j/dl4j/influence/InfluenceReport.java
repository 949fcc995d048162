package org.backpack4j.dl4j.influence;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.backpack4j.dl4j.influence.Influence.TestSample;
import org.backpack4j.dl4j.influence.SampleScores.Entry;
import org.backpack4j.dl4j.internal.WholeFile;
import org.backpack4j.dl4j.internal.report.InfluencePage;
import org.backpack4j.dl4j.internal.report.Picture;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * What each training sample did to test samples: a score for each pair, by {@link Influence}. Above
 * 0 the training sample helps, below 0 it harms; {@link #meaning} says it in full, with the unit.
 */
public final class InfluenceReport {
  /** So many test samples have a part of the page. */
  private static final int SHOWN = 20;

  private final List<TestSample> samples;
  private final List<double[]> scores;
  private final String meaning;
  private final List<String> notes;
  private final TrainingData data;

  InfluenceReport(
      List<TestSample> samples,
      List<double[]> scores,
      String meaning,
      List<String> notes,
      TrainingData data) {
    this.samples = List.copyOf(samples);
    this.scores = List.copyOf(scores);
    this.meaning = meaning;
    this.notes = List.copyOf(notes);
    this.data = data;
  }

  /**
   * How many test samples there are.
   *
   * @return Q, at least 1
   */
  public int queries() {
    return scores.size();
  }

  /**
   * The scores for one test sample.
   *
   * @param query its number among the test samples, from 0
   * @return a score for each training sample
   * @throws IndexOutOfBoundsException if there is no such test sample
   */
  public SampleScores query(int query) {
    return new SampleScores(meaning, scores.get(query), data.classes());
  }

  /**
   * The scores for the mean of the test samples' losses: of a single one, its own.
   *
   * @return a score for each training sample
   */
  public SampleScores scores() {
    double[] mean = new double[data.samples()];
    for (double[] each : scores) {
      for (int n = 0; n < mean.length; n++) {
        mean[n] += each[n] / scores.size();
      }
    }
    return new SampleScores(meaning, mean, data.classes());
  }

  /**
   * The training samples that help most: without which the mean test loss would rise most.
   *
   * @param count how many at most
   * @return the samples of the highest scores, the highest first
   * @throws IllegalArgumentException if the number is negative
   */
  public List<Entry> topHelpful(int count) {
    return scores().highest(count);
  }

  /**
   * The training samples that harm most: without which the mean test loss would fall most.
   *
   * @param count how many at most
   * @return the samples of the lowest scores, the lowest first
   * @throws IllegalArgumentException if the number is negative
   */
  public List<Entry> topHarmful(int count) {
    return scores().lowest(count);
  }

  /**
   * What a score says, with its unit and sign.
   *
   * @return a sentence or two
   */
  public String meaning() {
    return meaning;
  }

  /**
   * What is to be known of these scores: that the network is not at a minimum, or that no training
   * sample is of a test sample's class.
   *
   * @return sentences; none if there is nothing
   */
  public List<String> notes() {
    return notes;
  }

  /**
   * Writes a page: for each test sample, 20 at most, those training samples that helped and those
   * that harmed it most, with pictures where features are images [N, C, H, W] of one or three
   * channels, and the sums of each class. One HTML file that needs nothing beside it. The training
   * data are read once more for their pictures.
   *
   * @param file where to; one that is there is replaced
   * @param classes the names of the classes, by number; without, the numbers
   * @throws IOException if it cannot be written
   * @throws IllegalStateException if the training data are read otherwise than by {@link
   *     Influence.Builder#fit}
   */
  public void writeHtml(Path file, String... classes) throws IOException {
    WholeFile.write(file, html(8, classes));
  }

  /**
   * The page as text, for a notebook, say.
   *
   * @param count how many training samples of each kind are shown for a test sample
   * @param classes the names of the classes, by number; without, the numbers
   * @return HTML, a whole page
   * @throws IllegalStateException if the training data are read otherwise than by {@link
   *     Influence.Builder#fit}
   */
  public String html(int count, String... classes) {
    List<InfluencePage.Part> parts = new ArrayList<>();
    int shown = Math.min(SHOWN, scores.size());
    List<SampleScores> each = new ArrayList<>();
    TreeSet<Integer> wanted = new TreeSet<>();
    for (int q = 0; q < shown; q++) {
      SampleScores own = query(q);
      each.add(own);
      own.highest(count).forEach(e -> wanted.add(e.index()));
      own.lowest(count).forEach(e -> wanted.add(e.index()));
    }
    Map<Integer, String> pictures = pictures(wanted);
    for (int q = 0; q < shown; q++) {
      SampleScores own = each.get(q);
      Map<String, Double> sums = new TreeMap<>();
      own.byClass().forEach((c, sum) -> sums.put(name(c, classes), sum));
      TestSample sample = samples.get(q);
      parts.add(
          new InfluencePage.Part(
              "Test sample " + q,
              name(sample.label(), classes),
              sample.picture(),
              shown(
                  own,
                  own.highest(count).stream().filter(e -> e.score() > 0).toList(),
                  pictures,
                  classes),
              shown(
                  own,
                  own.lowest(count).stream().filter(e -> e.score() < 0).toList(),
                  pictures,
                  classes),
              sums));
    }
    return InfluencePage.of(scores.size(), data.samples(), meaning, notes, parts);
  }

  private static List<InfluencePage.Shown> shown(
      SampleScores scores, List<Entry> entries, Map<Integer, String> pictures, String[] classes) {
    return entries.stream()
        .map(
            e ->
                new InfluencePage.Shown(
                    e.index(),
                    name(scores.classOf(e.index()), classes),
                    e.score(),
                    pictures.get(e.index())))
        .toList();
  }

  private static String name(int number, String[] classes) {
    if (number < 0) {
      return "";
    }
    return number < classes.length ? classes[number] : "class " + number;
  }

  /** The pictures of training samples, as far as they are images. */
  private Map<Integer, String> pictures(NavigableSet<Integer> wanted) {
    Map<Integer, String> pictures = new TreeMap<>();
    MultiDataSetIterator batches = data.pass();
    batches.reset();
    int first = 0;
    while (batches.hasNext()) {
      MultiDataSet batch = batches.next();
      int count = (int) batch.getFeatures(0).size(0);
      for (int index : wanted.subSet(first, first + count)) {
        @Nullable String picture = Picture.of(batch.getFeatures(0), index - first);
        if (picture != null) {
          pictures.put(index, picture);
        }
      }
      first += count;
    }
    return pictures;
  }
}
