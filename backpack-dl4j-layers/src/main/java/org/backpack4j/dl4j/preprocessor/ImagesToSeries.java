package org.backpack4j.dl4j.preprocessor;

import org.backpack4j.dl4j.convert.PreprocessorConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.preprocessor.CnnToRnnPreProcessor;

/** {@code CnnToRnnPreProcessor}: images [T·N, C, H, W] as the steps of a time series. */
final class ImagesToSeries implements PreprocessorConverter<CnnToRnnPreProcessor> {
  @Override
  public Value convert(CnnToRnnPreProcessor conf, Site site) {
    Value x = site.input();
    long length = x.sampleLength();
    Value rows =
        ImagesToRows.withRowMask(
            site, x.with(site.sd().reshape(x.variable(), -1, length), -1, length));
    return SeriesRows.series(rows, conf.getRnnDataFormat(), site);
  }
}
