//! Decodes a file with symphonia, trimmed at both ends as the file specifies, and writes interleaved f64 samples to stdout.

use std::error::Error;
use std::fs::File;
use std::io::{stdout, Write};

use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::TrackType;
use symphonia::core::io::MediaSourceStream;
use symphonia::default::{get_codecs, get_probe};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: symphonia-judge FILE")?;
    let stream = MediaSourceStream::new(Box::new(File::open(path)?), Default::default());
    let mut format = get_probe().probe(&Hint::new(), stream, Default::default(), Default::default())?;
    let track = format.default_track(TrackType::Audio).ok_or("no audio track")?;
    let parameters = track.codec_params.as_ref().and_then(|params| params.audio()).ok_or("no codec parameters")?;
    let mut decoder = get_codecs().make_audio_decoder(parameters, &AudioDecoderOptions::default().verify(true))?;
    let mut out = stdout().lock();
    let mut bytes = Vec::new();
    while let Some(packet) = format.next_packet()? {
        decoder.decode(&packet)?.copy_bytes_to_vec_interleaved_as::<f64>(&mut bytes);
        out.write_all(&bytes)?;
    }
    if decoder.finalize().verify_ok == Some(false) {
        return Err("the checksum of the samples is not the one in the file".into());
    }
    Ok(())
}
