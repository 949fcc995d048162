package org.backpack4j.dl4j.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.factory.Nd4j;

class PicturesTest {
  private static final int BLUE = 0xff0072b2;
  private static final int ORANGE = 0xffd55e00;
  private static final int WHITE = 0xffffffff;

  @Test
  void signsHaveColoursAndZeroIsWhite(@TempDir Path folder) throws IOException {
    HeatMap map = HeatMap.of(Nd4j.createFromArray(new double[][] {{-2, 0, 2}, {1, 0, -1}}));
    BufferedImage image = map.image();
    assertThat(image.getRGB(0, 0)).isEqualTo(BLUE);
    assertThat(image.getRGB(1, 0)).isEqualTo(WHITE);
    assertThat(image.getRGB(2, 0)).isEqualTo(ORANGE);
    assertThat(image.getRGB(0, 1)).isNotEqualTo(ORANGE);
    assertThat(map.limit(1).image().getRGB(0, 1)).isEqualTo(ORANGE);
    Path file = folder.resolve("map.png");
    map.enlarged(4).write(file);
    BufferedImage read = ImageIO.read(file.toFile());
    assertThat(read.getWidth()).isEqualTo(12);
    assertThat(read.getHeight()).isEqualTo(8);
    assertThat(read.getRGB(3, 3)).isEqualTo(BLUE);
    BufferedImage grid = HeatMap.grid(List.of(map, map, map), 2);
    assertThat(grid.getWidth()).isEqualTo(10);
    assertThat(grid.getHeight()).isEqualTo(8);
    assertThat(grid.getRGB(7, 0)).isEqualTo(BLUE);
    assertThat(grid.getRGB(4, 0)).isEqualTo(WHITE);
  }

  @Test
  void channelsAddUpOverTheImage() {
    HeatMap map =
        HeatMap.of(Nd4j.createFromArray(new double[][][] {{{1, -3}}, {{-1, 1}}}))
            .over(Nd4j.createFromArray(new double[][] {{0, 1}}));
    assertThat(map.image().getRGB(0, 0)).isEqualTo(0xff595959); // no share: the darkest grey
    assertThat(map.image().getRGB(1, 0)).isEqualTo(BLUE);
    assertThatThrownBy(() -> map.over(Nd4j.ones(2, 2))).hasMessageContaining("2 × 2");
    assertThatThrownBy(() -> HeatMap.of(Nd4j.ones(2))).hasMessageContaining("[2], not [H, W]");
    assertThatThrownBy(() -> HeatMap.of(Nd4j.createFromArray(new double[][] {{Double.NaN}})))
        .hasMessageContaining("only finite numbers");
    assertThat(HeatMap.of(Nd4j.zeros(1, 1)).image().getRGB(0, 0)).isEqualTo(WHITE);
  }

  @Test
  void wordsKeepTheirLetters(@TempDir Path folder) throws IOException {
    TokenMap map = TokenMap.of(List.of("a<b", "good"), -1, 2, 0, 0);
    assertThat(map.html())
        .contains(">a&lt;b</span>")
        .contains("title=\"2.000\">good</span>")
        .doesNotContain("a<b");
    map.write(folder.resolve("text.html"), "R&D");
    assertThat(Files.readString(folder.resolve("text.html")))
        .contains("<title>R&amp;D</title>")
        .contains(map.html());
    assertThatThrownBy(() -> TokenMap.of(List.of("a", "b"), 1))
        .hasMessageContaining("1 attributions for 2 tokens");
  }
}
