throw Object.assign(new Error('coded'), { code: 'E_TOP' });
