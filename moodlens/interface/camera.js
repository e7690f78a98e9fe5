// Say in a sentence why the camera does not come: Gradio's own snapshot button stays silent.
const devices = navigator.mediaDevices;
const line = () => element.querySelector('[role="alert"]');

if (devices?.getUserMedia) {
  const original = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (constraints) => {
    try {
      const stream = await original(constraints);
      line().textContent = '';
      return stream;
    } catch (error) {
      const refused = error.name === 'NotAllowedError';
      line().textContent = refused ? line().dataset.refused : line().dataset.absent;
      throw error;
    }
  };
}
